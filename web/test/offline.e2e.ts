// What may happen to the connection and the session while one works, and working without a
// mouse.
import { afterEach, describe, expect, it } from "vitest";
import { one, type Watched } from "./browser";
import { eventually, type Fescue } from "./fescue";

let fescue: Fescue;
let seen: Watched;
one("offline", (it) => ({ fescue, seen } = it));

describe("the keyboard alone", () => {
  // tabTo presses Tab (or back) until something of a role and a name has the focus.
  async function tabTo(role: string, name: string | RegExp, key = "Tab") {
    const { page } = seen;
    const wanted = page.getByRole(role as "button", { name, exact: typeof name === "string" }).first();
    await wanted.waitFor();
    for (let i = 0; i < 80; i++) {
      if (await wanted.evaluate((e) => e === document.activeElement)) return;
      await page.keyboard.press(key);
    }
    throw new Error(`Tab never comes to the ${role} ${name}`);
  }

  it("writes a function, deploys and calls it", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications");
    await tabTo("link", "New application");
    await page.keyboard.press("Enter");
    await tabTo("textbox", "Name");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("typed");
    await tabTo("button", /Python function/);
    await page.keyboard.press("Enter");
    await page.getByText("Checked, no faults").waitFor();
    await tabTo("textbox", "Text of typed.py");
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    await page.keyboard.type("def handle(event, context):");
    await page.keyboard.press("Enter"); // which indents
    await page.keyboard.type('return "by hand"');
    await page.getByText("Checked, no faults").waitFor();
    await page.keyboard.press("Control+m"); // from now on Tab leaves the editor
    await tabTo("button", "Deploy", "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator('[data-step="switch"][data-status="succeeded"]').waitFor();
    await tabTo("link", "To typed");
    await page.keyboard.press("Enter");
    await tabTo("button", "Invoke");
    await page.keyboard.press("Enter");
    await page.getByLabel("Answer").getByText("by hand").waitFor();
    await tabTo("button", "More");
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Stop" }).waitFor();
    await page.keyboard.press("Escape");
  });

  it("leaves the editor with Escape and then Tab, either way", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/typed/edit");
    const editor = page.getByRole("textbox", { name: "Text of typed.py" });
    const inside = () => editor.evaluate((e) => e.contains(document.activeElement));
    await editor.focus();
    await page.keyboard.press("Tab"); // indents
    expect(await inside()).toBe(true);
    for (const key of ["Tab", "Shift+Tab"]) {
      await editor.focus();
      await eventually("it is left", async () => {
        await page.keyboard.press("Escape");
        await page.keyboard.press(key);
        return !(await inside());
      });
    }
    await page.getByRole("button", { name: "Discard edits" }).click();
  });
});

describe("a lost network", () => {
  afterEach(() => seen.page.context().setOffline(false));

  it("is told, leaves what was shown, and is caught up with", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications");
    await page.getByRole("row", { name: /typed.*running/ }).waitFor();
    await page.context().setOffline(true);
    await page.getByText("This device has no network").waitFor();
    await page.getByRole("row", { name: /typed.*running/ }).waitFor();
    fescue.run("stop", "typed");
    await page.context().setOffline(false);
    await page.getByText("This device has no network").waitFor({ state: "hidden" });
    await page.getByRole("row", { name: /typed.*stopped/ }).waitFor();
  });

  it("ends what is under way with the reason, and no edit is lost", async () => {
    const { page } = seen;
    fescue.run("start", "typed");
    await page.goto(fescue.url + "/applications/typed");
    await page.getByRole("button", { name: "Invoke", exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Invoke", exact: true }).click();
    await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
    await page.context().setOffline(false);
    await eventually("it can be called again", async () => {
      await page.getByRole("button", { name: "Invoke", exact: true }).click();
      return page.getByLabel("Answer").getByText("by hand").isVisible();
    });
  });

  it("does not leave a page that cannot be loaded spinning", async () => {
    const { page } = seen;
    await page.route("**/v1/deployments?*", (r) => r.abort());
    await page.goto(fescue.url + "/deployments");
    await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
    await page.unroute("**/v1/deployments?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("row", { name: /typed/ }).first().waitFor();
  });
});

describe("the session", () => {
  it("that has ended leads to signing in, and back to where one was", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/typed/versions");
    await page.getByRole("row", { name: /0\.1\.0/ }).waitFor();
    const cookie = (await page.context().cookies())[0]!;
    const header = { Cookie: `${cookie.name}=${cookie.value}` };
    const { csrf } = await (await fetch(fescue.url + "/v1/session", { headers: header })).json();
    // Without its word the cookie changes nothing.
    expect((await fetch(fescue.url + "/v1/session", { method: "DELETE", headers: header })).status).toBe(403);
    await fetch(fescue.url + "/v1/session", { method: "DELETE", headers: { ...header, "Fescue-CSRF": csrf } });
    // By its address: the page itself may notice the end at any time, and be gone before a click.
    await page.goto(fescue.url + "/applications/typed/deployments");
    await page.getByRole("heading", { name: "Sign in to Fescue" }).waitFor();
    await page.getByLabel("Token", { exact: true }).fill(fescue.token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("tab", { name: "Deployments", selected: true }).waitFor();
    await page.getByRole("link", { name: "typed 0.1.0" }).first().waitFor();
  });

  it("is kept from scripts, and the page from what is not the server's", async () => {
    const { page } = seen;
    const response = (await page.goto(fescue.url + "/"))!;
    const policy = response.headers()["content-security-policy"] ?? "";
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(await page.evaluate(() => document.cookie)).toBe("");
    const run = await page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "window.slipped = true";
      document.body.append(script);
      const image = new Image();
      const refused = new Promise((r) => (image.onerror = () => r(true)));
      image.src = "https://example.org/x.png";
      return [(window as unknown as { slipped?: boolean }).slipped ?? false, await refused];
    });
    expect(run).toEqual([false, true]);
    expect(seen.faults.splice(0).join()).toContain("Content Security Policy"); // it was refused, not missing
  });
});
