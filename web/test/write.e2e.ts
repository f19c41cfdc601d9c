// Writing applications in the browser: what is brought along, tried, deployed, cancelled and
// taken back. Story.e2e.ts is one way through all of it; this is what lies beside the way.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Locator } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { one, type Watched, write } from "./browser";
import { eventually, type Fescue } from "./fescue";
import { deployText } from "./pages";

let fescue: Fescue;
let seen: Watched;
one("write", (it) => ({ fescue, seen } = it));

const config = (name: string, version = "0.1.0", more = "") =>
  `name: ${name}\nversion: ${version}\nruntime: python\nhandler: main.handle\n${more}`;
const echo = `def handle(event, context):\n    print("heard", event)\n    return event\n`;

// folder writes files into a new folder and gives its path.
function folder(name: string, files: Record<string, string>): string {
  const at = `${fescue.state}/brought/${name}`;
  mkdirSync(at, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(`${at}/${path}`, text);
  return at;
}

function zipped(name: string, files: Record<string, string>): string {
  const archive = `${folder(name, files)}.zip`;
  execFileSync("python3", ["-m", "zipfile", "-c", archive, folder(name, files)]);
  return archive;
}

// drop lets go of real files over a place, as the system's file manager does.
async function drop(place: Locator, ...files: string[]) {
  await place.scrollIntoViewIfNeeded();
  const box = (await place.boundingBox())!;
  const session = await seen.page.context().newCDPSession(seen.page);
  const at = { x: box.x + box.width / 2, y: box.y + 12 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, ...at, data: { items: [], files, dragOperationsMask: 1 } });
  await session.detach();
}

const text = (path: string) => seen.page.getByRole("textbox", { name: `Text of ${path}` });

describe("what one brings along", () => {
  beforeEach(async () => {
    await seen.page.goto(fescue.url + "/new");
    await seen.page.getByRole("group", { name: "Drop files" }).waitFor();
  });

  it.each(["zip", "tar.gz", "folder"])("is dropped as %s", async (form) => {
    const { page } = seen;
    const files = { "fescue.yaml": config("brought"), "main.py": echo };
    let path = form === "zip" ? zipped("brought", files) : folder("brought", files);
    if (form === "tar.gz") {
      execFileSync("tar", ["-czf", `${path}.tar.gz`, "-C", `${fescue.state}/brought`, "brought"]);
      path += ".tar.gz";
    }
    await drop(page.getByRole("group", { name: "Drop files" }), path);
    await text("main.py").getByText("heard").waitFor();
    await page.getByText("Checked, no faults").waitFor();
  });

  it("is chosen as a zip, added to, and deployed", async () => {
    const { page } = seen;
    await page.getByTestId("files").setInputFiles(zipped("brought", { "fescue.yaml": config("brought"), "main.py": echo }));
    await page.getByText("Checked, no faults").waitFor();
    await drop(page.getByRole("group", { name: "Files", exact: true }), `${folder("more", { "notes.txt": "a note" })}/notes.txt`);
    await text("notes.txt").getByText("a note").waitFor();
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.locator('[data-step="switch"][data-status="succeeded"]').waitFor();
    expect(fescue.run("invoke", "brought", "--data", '"x"')).toContain("x");
  });

  it("and cannot be read is refused with the reason", async () => {
    const { page } = seen;
    const broken = `${fescue.state}/brought/broken.zip`;
    writeFileSync(broken, "PK\x03\x04 and no more");
    await drop(page.getByRole("group", { name: "Drop files" }), broken);
    await page.getByRole("alert").getByText("The zip archive is damaged").waitFor();
  });
});

describe("the configuration", () => {
  it("is completed from the server's schema, key and value", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/brought/edit");
    await page.getByRole("button", { name: "fescue.yaml" }).click();
    await write(page, "Text of fescue.yaml", "name: brought\nversion: 0.1.1\nruntime: python\nhandler: main.handle\n");
    const offered = (name: string) => page.getByRole("listbox", { name: "Completions" }).getByRole("option", { name });
    await page.keyboard.type("iso");
    await offered("isolation").waitFor();
    await page.waitForTimeout(100); // it takes no key for a choice before
    await page.keyboard.press("Enter");
    await page.keyboard.type("str");
    await offered("strict").waitFor();
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
    await text("fescue.yaml").getByText("isolation: strict").waitFor();
  });

  it("names packages, which are written to the file that pip reads", async () => {
    const { page } = seen;
    await page.getByLabel("New of the Python packages").fill("requests==2.32.3");
    await page.keyboard.press("Enter");
    await text("fescue.yaml").getByText("requirements: requirements.txt").waitFor();
    await page.getByLabel("Package requests==2.32.3").fill("requests==2.34.0");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "requirements.txt", exact: true }).click();
    await text("requirements.txt").getByText("requests==2.34.0").waitFor();
    await page.getByRole("button", { name: "Discard edits" }).click();
    await page.getByRole("button", { name: "requirements.txt", exact: true }).waitFor({ state: "detached" });
  });
});

describe("a trial", () => {
  it("leaves alone what runs, and saves its event for the next time", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/brought/edit");
    await write(page, "Text of main.py", echo.replace("return event", 'return {"tried": event}'));
    await page.getByLabel("Event", { exact: true }).fill('{"n": 7}');
    await page.getByLabel("Name of the event").fill("seven");
    await page.getByRole("button", { name: "Save the event" }).click();
    await page.getByRole("button", { name: "Run once" }).click();
    await page.getByLabel("Answer").getByText('"tried"').waitFor();
    await page.getByLabel("Output").getByText("heard").waitFor();
    expect(fescue.run("invoke", "brought", "--data", '"x"')).not.toContain("tried");
    await eventually("the trial is gone", async () => (await fescue.get("/v1/applications")).items.length === 1);
  });

  it("that does not come up tells why, with the last lines of output", async () => {
    const { page } = seen;
    await write(page, "Text of main.py", `print("before it broke")\nimport nothing_of_this_name\n` + echo);
    await page.getByRole("button", { name: "Run once" }).click();
    await page.getByRole("alert").getByText("nothing_of_this_name").first().waitFor();
    await page.getByLabel("Output").getByText("before it broke").waitFor();
    await eventually("the trial is gone", async () => (await fescue.get("/v1/applications")).items.length === 1);
  });

  it("takes nobody's name", async () => {
    const { page } = seen;
    deployText(fescue, config("brought-trial"), { "main.py": echo });
    await page.getByRole("button", { name: "Run once" }).click();
    await page.getByText("There is an application called brought-trial").waitFor();
    expect(fescue.run("invoke", "brought-trial", "--data", '"still here"')).toContain("still here");
    fescue.run("delete", "brought-trial", "--versions");
  });
});

it.each(["JavaScript function", "Native program", "C++ function", "Java function"])(
  "the template %s answers as it is",
  async (title) => {
    const { page } = seen;
    await page.goto(fescue.url + "/new");
    await page.getByLabel("Name", { exact: true }).fill("template");
    await page.getByRole("button", { name: title }).click();
    await page.getByText("Checked, no faults").waitFor();
    await page.getByRole("button", { name: "Run once" }).click();
    await page.getByLabel("Answer", { exact: true }).or(page.getByRole("alert")).waitFor({ timeout: 90_000 });
    expect(await page.getByLabel("Answer", { exact: true }).innerText()).toMatch(/ada/i);
  },
);

it("undeployed edits are in sight on every page, until they are discarded", async () => {
  const { page } = seen;
  for (const path of ["/", "/logs", "/map", "/applications"]) {
    await page.goto(fescue.url + path);
    await page.getByRole("link", { name: "brought not deployed" }).waitFor();
  }
  await page
    .getByRole("row", { name: /brought/ })
    .getByText("unsaved edits")
    .waitFor();
  await page.getByRole("link", { name: "brought not deployed" }).click();
  await page.getByText("Edits not deployed").waitFor();
  await page.getByRole("button", { name: "Discard edits" }).click();
  await page.getByRole("link", { name: "brought not deployed" }).waitFor({ state: "detached" });
});

it("a saved event is there in the panel, on another day", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/applications/brought");
  await page.getByLabel("Saved events").selectOption("seven");
  await page.getByRole("button", { name: "Invoke", exact: true }).click();
  await page.getByLabel("Answer").getByText("7").waitFor();
  await page.getByRole("button", { name: "Remove the saved event" }).click();
  await page.getByLabel("Saved events").waitFor({ state: "detached" });
});

it("rolls back a deployment, which says what it changed", async () => {
  const { page } = seen;
  deployText(fescue, config("brought", "0.2.0"), { "main.py": echo.replace("return event", 'return "second"') });
  await page.goto(fescue.url + "/applications/brought/deployments");
  await page.getByRole("link", { name: "brought 0.2.0" }).click();
  await page.getByText("What changed since 0.1.0").click();
  await page.getByLabel("What changed in main.py").getByText("second").waitFor();
  await page.getByLabel("What changed in fescue.yaml").getByText("0.2.0").waitFor();
  await page.getByRole("button", { name: "Roll back to 0.1.0" }).click();
  await page.getByRole("heading", { level: 1, name: "brought 0.1.0" }).waitFor();
  await page.locator('[data-step="switch"][data-status="succeeded"]').waitFor();
  expect(fescue.run("invoke", "brought", "--data", '"x"')).toContain("x");
});

it("cancels a deployment that is under way, and the version before goes on", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/applications/brought/edit");
  await page.getByRole("button", { name: "fescue.yaml" }).click();
  await write(page, "Text of fescue.yaml", config("brought", "0.3.0", "commands:\n  - run: sleep 600\n    wait: true\n"));
  await page.getByText("Checked, no faults").waitFor();
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await page.locator('[data-step="commands"][data-status="started"]').waitFor();
  await page.getByRole("link", { name: /^Deployment \d+$/ }).click();
  await page.getByRole("button", { name: "Cancel the deployment" }).click();
  await page.getByText("cancelled").first().waitFor();
  await page.getByRole("button", { name: "Cancel the deployment" }).waitFor({ state: "detached" });
  await eventually("the first version answers", () => fescue.run("invoke", "brought", "--data", '"x"').includes("x"));
});
