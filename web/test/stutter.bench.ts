// How smoothly pages show very much: the time to the first row and the longest task while the page
// comes, and then, while somebody scrolls or messages come, the time between two frames and the tasks
// that kept the page for more than 50 ms. Processor time is of the longest task: on a machine that
// does something else, only that is worth something. Started by bench/console/run.sh.
import { writeFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { launch, open } from "./browser";
import { entry, files, loads, sizeOf } from "./build";
import { Fescue } from "./fescue";
import { flood, scroll, smoothness, talker, type Smoothness } from "./many";

const seconds = 6;
const rows = '[role="row"]:not([aria-rowindex="1"]), .line, .message, .react-flow__node, .happened';

interface Scene {
  name: string;
  path: string;
  ready?: (page: Page) => Promise<unknown>;
  act: (page: Page) => Promise<unknown>;
}

const wait = (page: Page) => page.waitForTimeout(seconds * 1000);
const down = (page: Page) => scroll(page, seconds);
const type = (label: string, text: string) => async (page: Page) => {
  for (let i = 0; i < 4; i++) {
    await page.getByLabel(label).pressSequentially(text, { delay: 120 });
    await page.getByLabel(label).fill("");
  }
};
const full = (page: Page) => page.getByText(/^10,000 lines/).waitFor({ timeout: 60_000 });

const scenes: Scene[] = [
  { name: "overview", path: "/", act: wait },
  { name: "applications, scrolled", path: "/applications", act: down },
  { name: "applications, searched", path: "/applications", act: type("Search applications", "app-1234") },
  { name: "application on 500 devices, scrolled", path: "/applications/app-0000", act: down },
  { name: "devices, scrolled", path: "/devices", act: down },
  { name: "devices, searched", path: "/devices", act: type("Search devices", "edge-321") },
  { name: "deployment on 500 devices, scrolled", path: "/deployments/{deployment}", act: down },
  { name: "map, at rest", path: "/map?device={device}", act: wait },
  { name: "topics, 1,000 messages a second", path: "/topics?device={device}&filter=flood/%23", act: wait },
  {
    name: "topics, the same, scrolled",
    path: "/topics?device={device}&filter=flood/%23",
    ready: (page) => page.waitForTimeout(3000),
    act: (page) => scroll(page, seconds, ".lines"),
  },
  {
    name: "topics, last values",
    path: "/topics?device={device}&filter=flood/%23",
    ready: (page) => page.getByText("Last values").click(),
    act: wait,
  },
  { name: "logs, 10,000 lines, followed", path: "/applications/talker/logs", ready: full, act: wait },
  {
    name: "logs, the same, scrolled",
    path: "/applications/talker/logs",
    ready: full,
    act: (page) => scroll(page, seconds, ".lines"),
  },
  {
    name: "logs, the same, searched",
    path: "/applications/talker/logs",
    ready: full,
    act: type("Search in the output", "77"),
  },
];

let fescue: Fescue;
let browser: Browser;
let deployment = 0;
beforeAll(async () => {
  [fescue, browser] = await Promise.all([Fescue.start(), launch()]);
  flood(fescue);
  talker(fescue);
  await fescue.storeMany(2000);
  deployment = fescue.storeDevices(500);
});
afterAll(async () => {
  await browser?.close();
  await fescue?.stop();
});

it("measures", async () => {
  const only = process.env.ONLY?.split(",") ?? [""];
  const table = [
    "| page | first row | longest task until then | processor | then frames p50 | p95 | longest | tasks > 50 ms | longest | processor |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const scene of scenes.filter((s) => only.some((o) => s.name.startsWith(o)))) {
    const { page } = await open(browser, fescue);
    await watchFirstRow(page);
    await trace(page);
    await page.goto(fescue.at(scene.path).replace("{deployment}", String(deployment)));
    await page.locator(rows).first().waitFor();
    await page.waitForTimeout(1000); // what follows the first row
    const first = { ...(await firstRow(page)), processor: busiest(await browser.stopTracing()) };
    await scene.ready?.(page);
    await trace(page);
    const then = await smoothness(page, () => scene.act(page));
    table.push(row(scene.name, first, then, busiest(await browser.stopTracing())));
    await page.context().close();
  }
  const packed = (name: string) => files().filter((f) => f.startsWith(`assets/${name}-`) && f.endsWith(".js"));
  const later = (name: string) => sizeOf(loads(packed(name)).filter((f) => !entry().includes(f)));
  const kB = (n: number) => `${(n / 1000).toFixed(0)} kB`;
  table.push(
    "",
    `Script, gzipped: ${kB(sizeOf(entry()))} before the first page, ${kB(later("CodeEditor"))} for the editor, ` +
      `${kB(later("GraphView"))} for the map, ${kB(sizeOf(files()))} all files together.`,
  );
  writeFileSync(process.env.TABLE ?? "/dev/stdout", table.join("\n") + "\n");
});

const trace = (page: Page) => browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });

interface Traced {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  tdur?: number; // µs of the thread's processor time
  args: { name?: string };
}

// busiest is the most processor time, in ms, that a task of the page took.
function busiest(trace: Buffer): number {
  const { traceEvents: all } = JSON.parse(trace.toString()) as { traceEvents: Traced[] };
  const threads = all.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain");
  const ofPage = new Set(threads.map((e) => `${e.pid} ${e.tid}`));
  const tasks = all.filter((e) => e.tdur && ofPage.has(`${e.pid} ${e.tid}`));
  return tasks.reduce((most, e) => Math.max(most, e.tdur!), 0) / 1000;
}

interface First {
  at: number; // ms after the address was entered
  longest: number; // ms
  processor: number; // ms
}

// watchFirstRow has the page note when its first row is there; a page that is loaded is watched anew.
const watchFirstRow = (page: Page) =>
  page.addInitScript((rows) => {
    const first = { at: 0, longest: 0 };
    Object.assign(window, { first });
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) first.longest = Math.max(first.longest, e.duration);
    }).observe({ type: "longtask", buffered: true });
    requestAnimationFrame(function look(now) {
      if (document.querySelector(rows)) first.at = now;
      else requestAnimationFrame(look);
    });
  }, rows);

const firstRow = (page: Page) => page.evaluate(() => (window as unknown as { first: Omit<First, "processor"> }).first);

function row(name: string, first: First, { gaps, tasks }: Smoothness, processor: number): string {
  const ms = (n: number | undefined) => `${(n ?? 0).toFixed(0)} ms`;
  const at = (part: number) => gaps[Math.floor((gaps.length - 1) * part)];
  const cells = [
    name,
    ms(first.at),
    first.longest ? ms(first.longest) : "none",
    ms(first.processor),
    ms(at(0.5)),
    ms(at(0.95)),
    ms(gaps.at(-1)),
    String(tasks.length),
    tasks.length ? ms(Math.max(...tasks)) : "none",
    ms(processor),
  ];
  return `| ${cells.join(" | ")} |`;
}
