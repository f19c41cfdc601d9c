// Looking after what runs: plots, state keys, labels, tokens, logs of a time, last values; in a real
// browser against the real binary.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFailed } from "vitest";
import { launch, open, picture, type Watched } from "./browser";
import { eventually, Fescue } from "./fescue";
import { deployText } from "./pages";

let fescue: Fescue;
let browser: Browser;
let seen: Watched;
beforeAll(async () => {
  [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
  seen = await open(browser, fescue);
  deployText(
    fescue,
    "name: keeper\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n  - topic: in/#\n    reply: out/x\n",
    {
      "f.py": 'def handle(event, context):\n    print("got", event)\n    return event\n',
    },
  );
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});
beforeEach(() => onTestFailed(() => picture(seen.page, "watch-failed")));
afterEach(() => expect(seen.faults.splice(0)).toEqual([]));

it("draws how an application and its device went", async () => {
  const { page } = seen;
  for (let n = 0; n < 5; n++) fescue.run("pub", "in/a", String(n));
  await page.goto(fescue.url + "/applications/keeper/metrics");
  // Samples come every 10 s; the page asks as often.
  await page.locator(".plot canvas").nth(5).waitFor({ timeout: 60_000 });
  const calls = async () => (await fescue.get("/v1/applications/keeper/metrics?step=10s")).points as { calls: number }[];
  await eventually("the calls are told of", async () => (await calls()).some((p) => p.calls > 0));
  await page.getByText("30 days", { exact: true }).click();
  await page.waitForURL(/span=30d/);
  await page.goto(fescue.at("/devices/{device}"));
  await page.locator(".plot canvas").nth(3).waitFor({ timeout: 60_000 });
  await page.getByRole("group", { name: /^Memory, of .* in use \d/ }).waitFor();
});

it("shows, changes, makes and deletes state keys", async () => {
  const { page } = seen;
  fescue.run("state", "put", "keeper", "rooms/kitchen", "21");
  await page.goto(fescue.url + "/applications/keeper/state");
  await page.getByRole("button", { name: "rooms/kitchen" }).click();
  const value = page.getByRole("textbox", { name: "Value" });
  expect(await value.inputValue()).toBe("21");
  await value.fill("22.5");
  await page.getByRole("button", { name: "Save" }).click();
  await value.waitFor({ state: "detached" });
  expect(fescue.run("state", "get", "keeper", "rooms/kitchen").trim()).toBe("22.5");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("textbox", { name: "Key", exact: true }).fill("$bad");
  await value.fill("x");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("written as a topic").waitFor();
  await page.getByRole("textbox", { name: "Key", exact: true }).fill("fresh");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "fresh" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "fresh" }).waitFor({ state: "detached" });
  seen.faults.splice(0); // the browser complains of the refusal that was meant
});

it("edits the labels of a device", async () => {
  const { page } = seen;
  fescue.run("label", "device", fescue.device, "old=1");
  await page.goto(fescue.at("/devices/{device}"));
  await page.getByRole("button", { name: "Edit labels" }).click();
  const labels = page.getByRole("dialog").locator("input:not([type=hidden])");
  await labels.press("Backspace");
  await labels.fill("room=attic");
  await labels.press("Enter");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".labels .tag", { hasText: "room=attic" }).waitFor();
  expect((await fescue.get(`/v1/devices/${fescue.device}`)).labels).toEqual({ room: "attic" });
});

it("makes a token, shows it once, and revokes it", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/settings");
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill("ci");
  await page.getByRole("button", { name: "Make token" }).click();
  const token = (await page.getByLabel("Token", { exact: true }).textContent())!.trim();
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  await page.getByRole("button", { name: "Done" }).click();
  const status = async () => (await fetch(fescue.url + "/v1/server", { headers: { Authorization: `Bearer ${token}` } })).status;
  expect(await status()).toBe(200);
  expect(await page.content()).not.toContain(token);
  await page.getByRole("button", { name: "Revoke ci" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByText("None was made").waitFor();
  expect(await status()).toBe(401);
});

it("shows the logs of a time", async () => {
  const { page } = seen;
  fescue.run("pub", "in/a", "1001");
  const lines = async () => (await fescue.get("/v1/applications/keeper/logs")).items as { text: string; time: string }[];
  await eventually("it is in the log", async () => (await lines()).some((l) => l.text === "got 1001"));
  const local = (at: number) => new Date(at - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  const then = Date.parse((await lines()).find((l) => l.text === "got 1001")!.time);
  const between = (from: number, to: number) =>
    page.goto(`${fescue.url}/logs?application=keeper&time=between&from=${local(from)}&to=${local(to)}`);
  await between(then - 2000, then + 2000);
  await page.locator(".line", { hasText: "got 1001" }).waitFor();
  await between(then - 7_200_000, then - 3_600_000);
  await page.getByText("Nothing was written in this time.").waitFor();
});

it("shows the last value of each topic, and who uses it", async () => {
  const { page } = seen;
  const row = page.getByRole("row", { name: /in\/b/ });
  fescue.run("pub", "in/b", "6");
  await page.goto(fescue.url + "/topics?filter=%23");
  await page.getByRole("navigation", { name: "Topics" }).getByText("6", { exact: true }).first().waitFor();
  await page.getByText("Last values").click();
  await row.getByRole("button", { name: "6" }).waitFor(); // it came before the page was there
  for (const n of ["7", "8"]) fescue.run("pub", "in/b", n);
  await row.getByRole("button", { name: "8" }).click();
  await page.getByRole("region", { name: "Message" }).getByText("in/b").waitFor();
  await page.getByRole("region", { name: "Who uses them" }).getByRole("link", { name: "keeper" }).first().waitFor();
});
