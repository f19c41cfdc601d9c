// One person's way through the console, in a real browser against the real binary.
import type { Browser } from "playwright-core";
import { describe, expect, it } from "vitest";
import { accessible, one, type Watched, write } from "./browser";
import { eventually, type Fescue } from "./fescue";

let fescue: Fescue;
let browser: Browser;
let seen: Watched;
one("story", (it) => ({ fescue, browser, seen } = it));

const greet = (word: string) => `def handle(event, context):
    print("greeting", event["name"])
    return {"message": "${word}, " + event["name"] + "!"}
`;

async function deployed(version: string) {
  const { page } = seen;
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await page.getByText(`Deploying greeter ${version}`).waitFor();
  await page.locator('[data-step="switch"][data-status="succeeded"]').waitFor();
  await page.locator(".bench .card .status", { hasText: "succeeded" }).waitFor();
}

describe("the console", () => {
  it("asks who one is, and does not take a wrong token", async () => {
    const visitor = await (await browser.newContext()).newPage();
    await visitor.goto(fescue.url + "/applications");
    await visitor.getByLabel("Token", { exact: true }).fill("wrong");
    await visitor.getByRole("button", { name: "Sign in" }).click();
    await visitor.getByRole("alert").getByText("the token is not known").waitFor();
    await visitor.getByLabel("Token", { exact: true }).fill(fescue.token);
    await visitor.getByRole("button", { name: "Sign in" }).click();
    await visitor.getByRole("heading", { level: 1, name: "Applications" }).waitFor();
    const cookies = await visitor.context().cookies();
    expect(cookies.map((c) => [c.httpOnly, c.sameSite])).toEqual([[true, "Strict"]]);
    expect(await visitor.evaluate(() => JSON.stringify(localStorage))).not.toContain(fescue.token);
    await visitor.context().close();
  });

  it("starts a function from a template", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/new");
    await page.getByLabel("Name", { exact: true }).fill("greeter");
    await page.getByRole("button", { name: /Python function/ }).click();
    await page.getByRole("textbox", { name: "Text of greeter.py" }).waitFor();
    await page.getByText("Checked, no faults").waitFor();
  });

  it("shows an error of the code at its line", async () => {
    const { page } = seen;
    await write(seen.page, "Text of greeter.py", "def handle(event, context):\n    x = 1\n    return {{{\n");
    await page.getByText("greeter.py has a syntax error").waitFor();
    await page.locator(".cm-lint-marker-error").first().waitFor();
    await write(seen.page, "Text of greeter.py", greet("Hello"));
    await page.getByText("Checked, no faults").waitFor();
  });

  it("shows a fault of the configuration at its line, in the server's words", async () => {
    const { page } = seen;
    await page.getByRole("button", { name: "fescue.yaml" }).click();
    await write(
      seen.page,
      "Text of fescue.yaml",
      "# mine\nname: greeter\nversion: 0.1.0\nruntime: python\nhandlr: greeter.handle\ntriggers:\n  - topic: greeter/request\n    reply: greeter/reply\n",
    );
    await page.getByLabel("Faults").getByText("line 5").waitFor();
    await page.getByLabel("Faults").getByText("handler").first().waitFor(); // what it suggests
    expect(await page.getByRole("button", { name: "Deploy", exact: true }).isDisabled()).toBe(true);
    await write(
      seen.page,
      "Text of fescue.yaml",
      "# mine\nname: greeter\nversion: 0.1.0\nruntime: python\nhandler: greeter.handle\ntriggers:\n  - topic: greeter/request\n    reply: greeter/reply\n",
    );
    await page.getByText("Checked, no faults").waitFor();
  });

  it("edits the same text as a form, and comments stay", async () => {
    const { page } = seen;
    await page.getByRole("textbox", { name: "description", exact: true }).fill("Greets people");
    const text = page.getByRole("textbox", { name: "Text of fescue.yaml" });
    await eventually("the text follows the form", async () => (await text.innerText()).includes("description: Greets people"));
    expect(await text.innerText()).toContain("# mine");
  });

  it("tries it once before it is deployed, and takes the trial away again", async () => {
    const { page } = seen;
    await page.getByRole("button", { name: "Run once" }).click();
    await page.getByLabel("Answer").getByText("Hello, Ada!").waitFor();
    await page.getByLabel("Output").getByText("greeting Ada").waitFor();
    await eventually("nothing of the trial is left", async () => (await fescue.get("/v1/applications")).items.length === 0);
  });

  it("keeps what was written when the tab is closed", async () => {
    const { page } = seen;
    await page.waitForTimeout(600);
    await page.goto(fescue.url + "/new");
    await page.getByRole("button", { name: "Go on with it" }).click();
    await page.getByRole("button", { name: "fescue.yaml" }).click();
    await eventually("the draft is back", async () =>
      (await page.getByRole("textbox", { name: "Text of fescue.yaml" }).innerText()).includes("Greets people"),
    );
  });

  it("deploys with live steps", async () => {
    await deployed("0.1.0");
  });

  it("invokes it, and shows its output", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/greeter");
    await page.getByRole("button", { name: "Invoke", exact: true }).click();
    await page.getByLabel("Answer").getByText("Hello, Ada!").waitFor();
    await page.getByRole("tab", { name: "Logs" }).click();
    await page.getByRole("log").getByText("greeting Ada").waitFor();
  });

  it("shows an exception of the handler with its stack", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/greeter");
    await page.getByLabel("Event", { exact: true }).fill("{}");
    await page.getByRole("button", { name: "Invoke", exact: true }).click();
    await page.getByRole("alert").getByText("KeyError").first().waitFor();
    await page.getByRole("alert").getByText("greeter.py").first().waitFor();
  });

  it("publishes on its topic, and shows the answer and who sent it", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/topics?filter=greeter/%23");
    await page.getByText("Nothing yet on greeter/#").waitFor();
    await page.getByRole("textbox", { name: "Topic", exact: true }).fill("greeter/request");
    await page.getByLabel("Payload").fill('{"name": "Grace"}');
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("log").getByText("Hello, Grace!").click();
    await page.getByRole("region", { name: "Message" }).getByText("from greeter").waitFor();
    await page.getByRole("navigation", { name: "Topics" }).getByText("reply").waitFor();
  });

  it("does not publish on what is no topic, and says why", async () => {
    const { page } = seen;
    await page.getByRole("textbox", { name: "Topic", exact: true }).fill("greeter/#");
    await page.getByRole("button", { name: "Publish" }).click();
    await page.getByRole("alert").getByText("Not published").waitFor();
  });

  it("draws who talks to whom", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/map");
    await page.locator(".react-flow__node", { hasText: "greeter/request" }).waitFor();
    await page.locator(".react-flow__node", { hasText: "greeter/reply" }).waitFor();
    await page.getByText("The same as a list").click();
    await page.getByText(/^greeter → greeter\/reply/).waitFor();
  });

  it("deploys a second version, compares it, and rolls back", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/greeter");
    await page.getByRole("link", { name: "Edit" }).click();
    await write(seen.page, "Text of greeter.py", greet("Good morning"));
    await deployed("0.1.1");
    await page.goto(fescue.url + "/applications/greeter/versions");
    await page.getByLabel("From version").selectOption("0.1.0");
    await page.getByLabel("What changed in greeter.py").getByText("Good morning").waitFor();
    await page
      .getByRole("row", { name: /0\.1\.0/ })
      .getByRole("button", { name: "Deploy" })
      .click();
    await page.getByRole("button", { name: "Deploy 0.1.0" }).click();
    await page.locator('[role="dialog"] [data-step="switch"][data-status="succeeded"]').waitFor();
    await eventually("the old version answers", async () =>
      fescue.run("invoke", "greeter", "--data", '{"name":"Ada"}').includes("Hello, Ada!"),
    );
  });

  it("ends with the reason when a version does not come up", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/greeter/edit");
    await page.getByText("Checked, no faults").waitFor();
    await write(seen.page, "Text of greeter.py", `print("on its way")\nimport nothing_of_this_name\n\n` + greet("Hello"));
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("alert").getByText("nothing_of_this_name").first().waitFor();
    await page.getByRole("alert").getByText("on its way").waitFor(); // the last lines of output
    await page.getByText("A version that ran before goes on running.").waitFor();
  });

  it("makes a login for an MQTT client, whose password is shown once, and revokes it", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/settings");
    await page.getByRole("button", { name: "New credential" }).click();
    await page.getByLabel("Name").fill("kitchen-sensor");
    await page.getByRole("combobox", { name: "May publish to" }).fill("greeter/request");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Make it" }).click();
    expect((await page.getByLabel("Password").innerText()).trim().length).toBeGreaterThan(15);
    await accessible(page, "a new login");
    await page.getByRole("button", { name: "Done" }).click();
    const row = page.getByRole("row", { name: /kitchen-sensor/ });
    await row.getByText("greeter/request").waitFor();
    await row.getByRole("button", { name: "Revoke kitchen-sensor" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await row.waitFor({ state: "detached" });
  });

  it("survives a crash of the server: says so, reconnects, and is up to date", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications");
    await page.getByRole("row", { name: /greeter/ }).waitFor();
    await fescue.restart(async () => {
      await page.getByText("Reconnecting").waitFor();
    });
    await page.getByText("Reconnecting").waitFor({ state: "hidden" });
    fescue.run("stop", "greeter");
    await page.getByRole("row", { name: /greeter.*stopped/ }).waitFor();
  });

  it("signs out for good", async () => {
    const { page } = seen;
    const cookies = await page.context().cookies();
    await page.goto(fescue.url + "/settings");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to Fescue" }).waitFor();
    const response = await fetch(fescue.url + "/v1/server", { headers: { Cookie: `${cookies[0]!.name}=${cookies[0]!.value}` } });
    expect(response.status).toBe(401);
  });
});
