// Debian's Chromium, and what every test does with it.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFailed } from "vitest";
import { Fescue } from "./fescue";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });

export interface Watched {
  page: Page;
  faults: string[]; // what the browser complained of: scripts that failed, what the policy refused
}

// open gives a page whose complaints are kept, and which is signed in.
export async function open(browser: Browser, fescue: Fescue, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !/Failed to load resource|net::ERR/.test(m.text())) faults.push(m.text());
  });
  page.setDefaultTimeout(30_000);
  await page.addInitScript(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const e of list.getEntries() as (PerformanceEntry & {
        value: number;
        hadRecentInput: boolean;
        sources: { node?: Element }[];
      })[]) {
        if (!e.hadRecentInput && e.value > 0.02)
          shifts.push(`${e.value.toFixed(3)} ${e.sources.map((s) => s.node?.className ?? "?").join(" | ")}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(`${fescue.url}/#token=${fescue.token}`);
  await page.getByRole("navigation", { name: "Console" }).waitFor({ state: "attached" });
  return { page, faults };
}

// accessible lets axe look at the page as it is; it runs beside the page's policy, not under it.
export async function accessible(page: Page, where: string) {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
      v.id + ": " + v.help + "\\n  " + v.nodes.slice(0, 5).map((n) => n.html.slice(0, 200) + "\\n    " + n.any.concat(n.all).map((c) => c.message).join("; ")).join("\\n  "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.text + JSON.stringify(exceptionDetails.exception?.description));
  expect(JSON.parse(result.value), `${where}: axe`).toEqual([]);
  await session.detach();
}

// stands sees that nothing jumped while the page came.
export async function stands(page: Page, where: string) {
  const shifts = await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts);
  expect(shifts, `${where}: what jumped`).toEqual([]);
}

// write replaces the text of an editor as a person does.
export async function write(page: Page, label: string, text: string) {
  await page.getByRole("textbox", { name: label }).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete"); // over a selection the browser itself would write styles
  await page.keyboard.insertText(text);
}

// picture takes a picture to look at.
export async function picture(page: Page, name: string) {
  const to = process.env.SCREENSHOTS ?? join(import.meta.dirname, "../../.screenshots");
  mkdirSync(to, { recursive: true });
  await page.screenshot({ path: join(to, `${name}.png`) });
}

// fits sees that nothing is wider than the screen.
export async function fits(page: Page, where: string) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, `${where}: pixels wider than the screen`).toBeLessThanOrEqual(0);
}

// one starts a Fescue and a browser for a file of tests, and gives them to ready. A test that fails leaves a picture of this
// name; one in which the browser complained has failed.
export function one(name: string, ready: (it: { fescue: Fescue; browser: Browser; seen: Watched }) => void) {
  let fescue: Fescue | undefined;
  let browser: Browser | undefined;
  let seen: Watched | undefined;
  beforeAll(async () => {
    [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
    seen = await open(browser, fescue);
    ready({ fescue, browser, seen });
  });
  afterAll(async () => {
    await browser?.close();
    await fescue?.stop();
  });
  beforeEach(() =>
    onTestFailed(async () => {
      if (seen) await picture(seen.page, `${name}-failed`);
    }),
  );
  afterEach(() => expect(seen?.faults.splice(0)).toEqual([]));
}
