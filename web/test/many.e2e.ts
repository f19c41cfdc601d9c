// Much of everything: lists of thousands and a flood of messages and lines, which the
// page takes without stalling.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessible, launch, open, type Watched } from "./browser";
import { eventually, Fescue } from "./fescue";
import { flood, scroll, smoothness, talker } from "./many";

let fescue: Fescue;
let browser: Browser;
let seen: Watched;
beforeAll(async () => {
  [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
  seen = await open(browser, fescue);
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});

// Between two frames, in ms. Generous, for a shared machine: bench/console tells how long it is.
const stall = 3000;

it("shows 2,000 applications by drawing only those in sight", async () => {
  const { page } = seen;
  await fescue.storeMany(2000);
  await page.goto(fescue.url + "/applications");
  await page.getByText("2,000 applications").waitFor();
  expect(await page.getByRole("row").count()).toBeLessThan(100);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.getByRole("link", { name: "app-1999" }).waitFor();
  await page.getByLabel("Search applications").fill("app-0777");
  await page.getByRole("link", { name: "app-0777" }).click();
  await page.getByRole("heading", { level: 1, name: "app-0777" }).waitFor();
});

it("scrolls through 10,000 lines of output", async () => {
  const { page } = seen;
  talker(fescue);
  await page.goto(fescue.url + "/applications/talker/logs");
  const { gaps } = await smoothness(page, async () => {
    await page.getByText(/^10,000 lines/).waitFor({ timeout: 60_000 });
    await scroll(page, 2, ".lines");
  });
  expect(gaps.at(-1)).toBeLessThan(stall);
  expect(await page.locator(".line").count()).toBeLessThan(150);
  fescue.run("stop", "talker");
});

it("takes a thousand messages a second, and says what it leaves out", async () => {
  const { page } = seen;
  flood(fescue);
  await page.goto(fescue.url + "/topics?filter=flood/%23");
  await page.locator(".message").first().waitFor();
  const { gaps } = await smoothness(page, async () => {
    await eventually("a few thousand came", async () => {
      const text = await page
        .getByText(/[\d,]+ messages/)
        .first()
        .innerText();
      return Number(/([\d,]+) messages/.exec(text)![1]!.replaceAll(",", "")) > 4000;
    });
  });
  expect(gaps.at(-1)).toBeLessThan(stall);
  expect(await page.locator(".message").count()).toBeLessThan(100);
  await page.locator(".tree-topic", { hasText: "flood" }).first().waitFor();
  expect(await page.locator(".tree-topic").count()).toBeLessThan(80); // of 100
});

it("stays where the reader scrolled and says how much came", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/applications/flood/logs");
  await page.locator(".line").nth(15).waitFor();
  const lines = page.getByRole("log", { name: "Output" });
  await eventually("there is something to scroll", () => lines.evaluate((e) => e.scrollHeight > e.clientHeight + 400));
  await lines.evaluate((e) => (e.scrollTop = 40));
  await page.getByRole("button", { name: /new line/ }).waitFor();
  const before = await lines.evaluate((e) => e.scrollTop);
  await page.waitForTimeout(800);
  expect(await lines.evaluate((e) => e.scrollTop)).toBe(before);
  await page.getByRole("button", { name: /new line/ }).click();
  await eventually("it follows again", () => lines.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 30));
});

it("can be used with the keyboard alone", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/applications/flood");
  await page.getByRole("tab", { name: "Overview" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Code", selected: true }).waitFor();
  await page.goto(fescue.url + "/devices");
  await page.getByRole("link", { name: fescue.device }).waitFor();
  // The heading has the focus, so that one need not pass the navigation on every page.
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.className)).toBe("row-link");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: fescue.device }).waitFor();
});

describe("with 500 devices", () => {
  let deployment = 0;
  beforeAll(() => {
    fescue.run("stop", "flood");
    deployment = fescue.storeDevices(500);
  });
  const rows = () => seen.page.getByRole("row").count();

  it("lists them by drawing only those in sight, and finds one by its label", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/devices");
    await page.getByText("501 devices").first().waitFor();
    expect(await rows()).toBeLessThan(100);
    await page.getByRole("group", { name: "By site" }).getByRole("button", { name: "site=lyon 125" }).click();
    await page.getByRole("link", { name: "edge-001" }).waitFor();
    await accessible(page, "many devices");
    await page.getByRole("link", { name: "edge-000" }).waitFor({ state: "detached" });
    await page.getByLabel("Label to group by").selectOption("rack");
    await page.getByRole("button", { name: "rack=3 40" }).waitFor();
    await page.getByLabel("Search devices").fill("edge-321");
    await page.getByRole("link", { name: "edge-321" }).click();
    await page.getByRole("heading", { level: 1, name: "edge-321" }).waitFor();
  });

  it("chooses all of a label for a deployment", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/flood/versions");
    await page
      .getByRole("button", { name: "Deploy again" })
      .or(page.getByRole("button", { name: "Deploy", exact: true }))
      .click();
    const dialog = page.getByRole("dialog", { name: "Deploy flood 1.0.0" });
    await dialog.getByRole("button", { name: /^On / }).click();
    await dialog.getByRole("button", { name: "Choose none" }).click();
    await dialog.getByRole("button", { name: "Choose devices" }).waitFor();
    await dialog.getByRole("button", { name: "site=turku 125" }).click();
    await dialog.getByRole("button", { name: "Choose these 125" }).click();
    await dialog.getByText("It replaces the version on 125 devices.").waitFor();
    await accessible(page, "choice of devices");
    await dialog.getByLabel(/^edge-007 /).uncheck();
    await dialog.getByRole("button", { name: "On 124 devices" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  it("follows as many outputs as it can, and says so", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/logs");
    await page.getByText(/64 of 2,\d+ outputs are followed/).waitFor();
    await page.locator(".line").first().waitFor(); // of the device that is there
  });

  it("shows what is wrong of an application first, and all of one state", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/applications/app-0000");
    await page.getByRole("button", { name: /^running \d+/ }).waitFor();
    await page
      .getByRole("row", { name: /edge-\d+ failed/ })
      .first()
      .waitFor();
    expect(await rows()).toBeLessThan(100);
    await page.getByRole("button", { name: /^restarting \d+/ }).click();
    await page
      .getByRole("row", { name: /edge-\d+ failed/ })
      .first()
      .waitFor({ state: "detached" });
    await page.getByLabel("Search devices").fill("edge-018");
    await page.getByRole("link", { name: "edge-018" }).waitFor();
  });

  it("chooses among them by typing", async () => {
    const { page } = seen;
    await page.goto(fescue.url + "/map");
    const device = page.getByRole("combobox", { name: "Device" }).or(page.getByRole("textbox", { name: "Device" }));
    await device.click();
    expect(await page.getByRole("option").count()).toBeLessThan(100);
    await device.fill("site=porto");
    await page.getByRole("option", { name: "edge-002" }).waitFor();
    await device.fill("edge-4");
    await page
      .getByRole("option", { name: "edge-499" })
      .or(page.getByRole("option", { name: "edge-400" }))
      .first()
      .click();
    await page.getByText("Who talks to whom on edge-4").waitFor();
  });

  it("sums a deployment up, and shows one of its devices", async () => {
    const { page } = seen;
    await page.goto(`${fescue.url}/deployments/${deployment}`);
    await page
      .getByRole("button", { name: "queued 500" })
      .or(page.getByRole("button", { name: "failed 10" }))
      .first()
      .waitFor();
    expect(await rows()).toBeLessThan(100);
    await page.getByLabel("Search devices").fill("edge-007");
    await page.getByText("edge-007").waitFor();
  });
});
