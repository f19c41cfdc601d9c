// Every page of the console, and something for them to show.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { eventually, type Fescue } from "./fescue";

interface Place {
  name: string;
  path: string;
  ready: (page: Page) => Promise<unknown>;
}

const heading = (name: string) => (page: Page) => page.getByRole("heading", { level: 1, name }).waitFor();
const text = (words: string) => (page: Page) => page.getByText(words).first().waitFor();

// press opens a dialog, which is there when it has the button that ends it.
const press = (button: string, end: string) => async (page: Page) => {
  await page.getByRole("button", { name: button }).first().click();
  await page.getByRole("button", { name: end }).waitFor();
};

// pressBoth opens a dialog from a menu.
const pressBoth = (button: string, item: string, end: string) => async (page: Page) => {
  await page.getByRole("button", { name: button }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await page.getByRole("button", { name: end }).waitFor();
};

async function configuration(page: Page) {
  await page.getByRole("button", { name: "fescue.yaml" }).click();
  await page.getByText("Checked, no faults").waitFor();
  await page.getByRole("textbox", { name: "Text of fescue.yaml" }).waitFor();
}

// plots are there when their lines are drawn: the device tells of itself every 10 s.
const plots = (page: Page, n: number) =>
  page
    .locator(".plot canvas")
    .nth(n - 1)
    .waitFor({ timeout: 60_000 });

async function lastValues(page: Page) {
  await page.locator(".message").nth(1).waitFor();
  await page.getByText("Last values").click();
  await page.getByRole("table", { name: "Last values" }).waitFor();
}

export const pages: Place[] = [
  { name: "overview", path: "/", ready: text("could not be deployed") },
  { name: "topics", path: "/topics", ready: (page) => page.locator(".message").nth(1).waitFor() },
  { name: "topics-one", path: "/topics?filter=poly/roots", ready: (page) => page.locator(".message").first().click() },
  { name: "devices", path: "/devices", ready: (page) => page.getByRole("row", { name: /connected/ }).waitFor() },
  { name: "topics-values", path: "/topics", ready: lastValues },
  { name: "device", path: "/devices/{device}", ready: (page) => plots(page, 4) },
  { name: "device-labels", path: "/devices/{device}", ready: press("Edit labels", "Save") },
  { name: "map", path: "/map", ready: (page) => page.locator(".react-flow__edge-text").first().waitFor() },
  { name: "applications", path: "/applications", ready: text("roots-server") },
  { name: "application", path: "/applications/hello", ready: text("May publish") },
  { name: "application-code", path: "/applications/hello/code", ready: text("def handle") },
  { name: "application-topics", path: "/applications/hello/topics", ready: text("hello/reply") },
  { name: "application-metrics", path: "/applications/roots-server/metrics", ready: (page) => plots(page, 6) },
  { name: "application-state", path: "/applications/hello/state", ready: text("rooms/kitchen") },
  { name: "application-state-key", path: "/applications/hello/state", ready: press("rooms/kitchen", "Save") },
  { name: "application-versions", path: "/applications/hello/versions", ready: text("Compare") },
  { name: "application-deployments", path: "/applications/hello/deployments", ready: text("hello 0.1.0") },
  { name: "application-logs", path: "/applications/hello/logs", ready: text("greeting") },
  { name: "edit", path: "/applications/hello/edit", ready: text("def handle") },
  { name: "edit-configuration", path: "/applications/hello/edit", ready: configuration },
  { name: "new", path: "/new", ready: text("From files") },
  { name: "deployments", path: "/deployments", ready: text("roots-server") },
  { name: "deployment", path: "/deployments/1", ready: text("Unpack") },
  { name: "deployment-failed", path: "/deployments/5", ready: text("The deployment failed") },
  { name: "logs", path: "/logs", ready: (page) => page.locator(".line").first().waitFor() },
  { name: "logs-between", path: "/logs?time=between", ready: (page) => page.locator(".line").first().waitFor() },
  { name: "settings-token", path: "/settings", ready: press("New token", "Make token") },
  { name: "settings", path: "/settings", ready: text("SQLite") },
  { name: "settings-credential", path: "/settings", ready: press("New credential", "Make it") },
  { name: "application-redeploy", path: "/applications/hello/versions", ready: press("Deploy again", "Deploy 0.2.0") },
  { name: "application-delete", path: "/applications/hello", ready: pressBoth("More", "Delete…", "Keep it") },
  { name: "settings-revoke", path: "/settings", ready: press("Revoke backup", "Keep it") },
  { name: "missing", path: "/nowhere/at/all", ready: heading("No such page") },
];

// populate deploys the examples, a second version, one that fails, and lets them talk.
export async function populate(fescue: Fescue) {
  fescue.run("deploy", "examples/polynomial-roots", "-f", "examples/polynomial-roots/server.yaml");
  fescue.run("deploy", "examples/polynomial-roots", "-f", "examples/polynomial-roots/client.yaml");
  const dir = fescue.state + "/apps/hello";
  mkdirSync(`${fescue.state}/apps`, { recursive: true });
  fescue.run("init", "python", dir);
  fescue.run("deploy", dir);
  const edit = (file: string, from: string, to: string) =>
    writeFileSync(`${dir}/${file}`, readFileSync(`${dir}/${file}`, "utf8").replace(from, to));
  edit("fescue.yaml", "0.1.0", "0.2.0");
  edit("hello.py", "Hello", "Good morning");
  fescue.run("deploy", dir);
  for (const name of ["Ada", "Grace", "Alan"]) fescue.run("invoke", "hello", "--data", JSON.stringify({ name }));
  fescue.run("state", "put", "hello", "rooms/kitchen", '{"target": 21.5, "heating": true}');
  fescue.run("state", "put", "hello", "visits", "3", "--ttl", "24h");
  fescue.run("label", "device", fescue.device, "room=workshop", "floor=1");
  fescue.run("create", "token", "backup");
  fescue.run("create", "token", "ci", "--for", "720h");
  edit("fescue.yaml", "0.2.0", "0.3.0");
  edit("hello.py", "def handle", "import nothing_of_this_name\n\n\ndef handle");
  try {
    fescue.run("deploy", dir);
    throw new Error("a version that cannot start was deployed");
  } catch (error) {
    if (!(error as { status?: number }).status) throw error;
  }
  await eventually("the failure is known", async () => (await fescue.get("/v1/deployments")).items[0].status === "failed");
}

// deployText deploys an application of a few texts.
export function deployText(fescue: Fescue, config: string, files: Record<string, string>) {
  const dir = `${fescue.state}/apps/${/name: (\S+)/.exec(config)![1]}`;
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of Object.entries({ ...files, "fescue.yaml": config })) writeFileSync(`${dir}/${name}`, text);
  fescue.run("deploy", dir);
}
