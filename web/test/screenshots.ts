// Pictures of every page, light, dark and on a phone, to be looked at:
//   make screenshots            into .screenshots/
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { launch, open, picture } from "./browser";
import { Fescue } from "./fescue";
import { pages, populate } from "./pages";

const looks = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: "light", viewport: { width: 360, height: 740 } },
} as const;

let fescue: Fescue;
let browser: Browser;
beforeAll(async () => {
  [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});

async function settled(page: Page, name: string) {
  await page.waitForTimeout(400); // what comes in over streams
  await picture(page, name);
}

it("takes pictures of every page", async () => {
  const only = process.env.ONLY?.split(",");
  const empty = await open(browser, fescue, looks.light);
  await empty.page.goto(fescue.url + "/");
  await empty.page.getByText("Write your first function").waitFor();
  await settled(empty.page, "overview-empty-light");
  await populate(fescue);
  for (const [look, options] of Object.entries(looks)) {
    const { page } = await open(browser, fescue, options);
    for (const { name, path, ready } of pages) {
      if (only && !only.includes(name)) continue;
      await page.goto(fescue.at(path));
      await ready(page);
      await settled(page, `${name}-${look}`);
    }
  }
  const visitor = await browser.newContext(looks.light);
  const page = await visitor.newPage();
  await page.goto(fescue.url);
  await page.getByLabel("Token", { exact: true }).waitFor();
  await settled(page, "sign-in-light");
});

// Those of docs/console.md: few, and small.
it("takes the pictures of the documentation", async () => {
  const { page } = await open(browser, fescue, { colorScheme: "light", viewport: { width: 1040, height: 640 } });
  for (const name of ["overview", "edit-configuration", "deployment-failed", "topics", "device"]) {
    const { path, ready } = pages.find((p) => p.name === name)!;
    await page.goto(fescue.at(path));
    await ready(page);
    await page.waitForTimeout(3000); // for rates
    await page.screenshot({ path: join(import.meta.dirname, `../../docs/images/console-${name}.png`) });
  }
});
