// Every page in both themes: what axe finds, what the browser complains of, and that
// nothing is wider than the smallest phone.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessible, fits, launch, open, stands, type Watched } from "./browser";
import { Fescue } from "./fescue";
import { pages, populate } from "./pages";

let fescue: Fescue;
let browser: Browser;
beforeAll(async () => {
  [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
  await populate(fescue);
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});

const looks = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: "light", viewport: { width: 360, height: 740 } },
} as const;

describe.each(Object.entries(looks))("%s", (look, options) => {
  let seen: Watched;
  beforeAll(async () => {
    seen = await open(browser, fescue, options);
  });
  afterAll(() => seen?.page.context().close());

  it.each(pages)("$name", async ({ path, ready }) => {
    await seen.page.goto(fescue.at(path));
    await ready(seen.page);
    await stands(seen.page, `${path}, ${look}`);
    await accessible(seen.page, `${path}, ${look}`);
    await fits(seen.page, `${path}, ${look}`);
    expect(seen.faults.splice(0)).toEqual([]);
  });
});

it("the chosen tab is in sight on a phone", async () => {
  const { page } = await open(browser, fescue, looks.phone);
  await page.goto(fescue.url + "/applications/hello/logs");
  const tab = (await page.getByRole("tab", { name: "Logs", selected: true }).boundingBox())!;
  expect(tab.x + tab.width).toBeLessThanOrEqual(looks.phone.viewport.width);
  await page.context().close();
});

it("sign in", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 360, height: 740 } });
    const page = await context.newPage();
    await page.goto(fescue.url);
    await page.getByLabel("Token", { exact: true }).waitFor();
    await accessible(page, `sign in, ${colorScheme}`);
    await fits(page, "sign in");
    await context.close();
  }
});
