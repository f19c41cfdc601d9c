// The map of a device on which much talks: what flows, what nobody hears, what is granted
// and not used; many alike drawn as one; and the same topics at their application.
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
  deployText(fescue, source, { "main.py": publishes });
  deployText(fescue, sink, { "main.py": hears });
  deployText(fescue, clock, { "f.py": "def handle(event, context):\n    return event\n" });
  seen = await open(browser, fescue);
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});
beforeEach(() => onTestFailed(() => picture(seen.page, "map-failed")));
afterEach(() => expect(seen.faults.splice(0)).toEqual([]));

const rooms = 60;
const service = (name: string, resources: string) =>
  `name: ${name}\nversion: 1.0.0\nruntime: python\nresources:\n${resources}commands:\n  - run: python main.py\n`;
const source = service("source", "  publish: [home/+, lonely/cry, never/used]\n");
const sink = service("sink", '  subscribe: ["home/#", never/heard]\n');
const clock =
  "name: clock\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ntriggers:\n  - schedule: every 1h\n  - http: POST /tick\n";
const publishes = `import time
import fescue

with fescue.connect() as client:
    while True:
        for room in range(${rooms}):
            client.publish(f"home/{room}", {"room": room})
        client.publish("lonely/cry", {})
        time.sleep(0.5)
`;
const hears = `import time
import fescue

with fescue.connect() as client:
    client.subscribe("home/#", lambda message: None)
    while True:
        try:
            client.publish("secret/door", "open")
        except fescue.PermissionDenied:
            pass
        time.sleep(5)
`;

const node = (text: string) => seen.page.locator(".react-flow__node", { hasText: text });

it("draws many topics as one, with what flows over the edges", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/map");
  await node(`${rooms} topics`).waitFor();
  await eventually("the edges have rates", async () => {
    const rates = await page.locator(".react-flow__edge-text").allTextContents();
    return rates.filter((r) => Number(r.replace("/s", "")) > rooms).length >= 2;
  });
  expect(await page.locator(".react-flow__node").count()).toBeLessThan(15);
  await node("every 1h").getByText("trigger").waitFor();
  await node("POST /tick").waitFor();
  const colour = (part: string) =>
    page
      .locator(part)
      .first()
      .evaluate((e) => getComputedStyle(e).fill);
  expect(await colour(".react-flow__edge-textbg")).not.toBe(await colour(".react-flow__edge-text"));
});

it("is drawn downwards on a phone", async () => {
  const { page } = seen;
  const at = async (text: string) => (await node(text).boundingBox())!;
  expect((await at("home/")).x).toBeGreaterThan((await at("source")).x + 100);
  const { width, height } = page.viewportSize()!;
  await page.setViewportSize({ width: 360, height: 740 });
  await eventually("below each other", async () => (await at("home/")).y > (await at("source")).y + 40);
  await page.setViewportSize({ width, height });
});

it("draws what nobody hears and what is granted and not used as such", async () => {
  const { page } = seen;
  await node("lonely/cry").getByText("nobody hears it").waitFor();
  await node("never/used").getByText("granted, not used").waitFor();
  await page.getByText("Unused, unheard").click();
  await node("home/").waitFor({ state: "detached" });
  await node("never/heard").waitFor();
  expect(await page.locator(".react-flow__edge.granted").count()).toBe(2);
  await page.getByText("The same as a list").click();
  await page.getByText("source → never/used: granted, not used").waitFor();
  await page.getByText("lonely/cry: nobody hears it").waitFor();
});

it("finds one topic with those at both its ends, and has an address", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/map");
  await page.getByLabel("Search the map").fill("home/17");
  await node("home/17").waitFor();
  await eventually("nothing else is drawn", async () => (await page.locator(".react-flow__node").count()) === 3);
  await page.reload();
  await node("home/17").waitFor();
  await eventually("nothing else is drawn", async () => (await page.locator(".react-flow__node").count()) === 3);
});

it("tells the same at the application", async () => {
  const { page } = seen;
  await page.goto(fescue.url + "/applications/source/topics");
  await page.getByRole("row", { name: /home\/17.*publishes/ }).waitFor();
  await page.getByRole("row", { name: /lonely\/cry.*nobody hears it/ }).waitFor();
  await page.getByRole("row", { name: /never\/used.*granted, not used/ }).waitFor();
  await page.getByRole("link", { name: "On the map" }).click();
  await page.getByRole("heading", { level: 1, name: "Map" }).waitFor();
});

it("tells what was denied, and whom", async () => {
  const { page } = seen;
  const denied = page.getByRole("table", { name: "Denied" });
  await page.goto(fescue.url + "/topics");
  const row = denied.getByRole("row", { name: /sink.*secret\/door.*publish/ });
  await row.getByRole("link", { name: "sink" }).click();
  await page.getByRole("heading", { level: 1, name: "sink" }).waitFor();
  await denied.getByRole("row", { name: /secret\/door.*publish/ }).waitFor();
  await page.goto(fescue.url + "/applications/source/topics");
  await page.getByRole("row", { name: /home\/17.*publishes/ }).waitFor();
  expect(await denied.count()).toBe(0);
});
