// Much of everything, and how smooth the page stays meanwhile.
import type { Page } from "playwright-core";
import type { Fescue } from "./fescue";
import { deployText } from "./pages";

const service = (name: string, more = "") =>
  `name: ${name}\nversion: 1.0.0\nruntime: python\n${more}commands:\n  - run: python main.py\n`;

// flood publishes 1,000 messages a second on 100 topics, and writes a line for every 50.
export const flood = (fescue: Fescue) =>
  deployText(fescue, service("flood", "resources:\n  publish: [flood/+]\n"), {
    "main.py": `import time
import fescue

with fescue.connect() as client:
    n = 0
    due = time.monotonic()
    while True:
        for _ in range(50):
            n += 1
            client.publish(f"flood/{n % 100}", {"n": n})
        print("line", n, flush=True)
        due += 0.05
        time.sleep(max(0, due - time.monotonic()))
`,
  });

// talker writes 2,000 lines a second.
export const talker = (fescue: Fescue) =>
  deployText(fescue, service("talker"), {
    "main.py": `import time
n = 0
while True:
    for _ in range(100):
        n += 1
        print("line", n)
    print(end="", flush=True)
    time.sleep(0.05)
`,
  });

export interface Smoothness {
  gaps: number[]; // ms from one frame to the next, ascending
  tasks: number[]; // ms of each task that kept the page for more than 50 ms
}

// smoothness is what the browser says of the page while something goes on.
export async function smoothness(page: Page, during: () => Promise<unknown>): Promise<Smoothness> {
  await page.evaluate(() => {
    const gaps: number[] = [];
    const tasks: number[] = [];
    const note = (list: PerformanceEntry[]) => tasks.push(...list.map((e) => e.duration));
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: "longtask" });
    let last = performance.now();
    let frame = requestAnimationFrame(function next(now) {
      gaps.push(now - last);
      last = now;
      frame = requestAnimationFrame(next);
    });
    const end = () => {
      cancelAnimationFrame(frame);
      note(observer.takeRecords());
      observer.disconnect();
      return { gaps: gaps.sort((a, b) => a - b), tasks };
    };
    Object.assign(window, { end });
  });
  await during();
  return page.evaluate(() => (window as unknown as { end: () => Smoothness }).end());
}

// scroll goes down and up again, so many pixels with each frame, for so many seconds. Without
// a place it is the page that is scrolled.
export const scroll = (page: Page, seconds: number, place = "") =>
  page.evaluate(
    ([ms, place]) =>
      new Promise<void>((done) => {
        const box = place ? document.querySelector(place)! : document.scrollingElement!;
        const end = performance.now() + ms;
        let by = 90;
        box.scrollTop = 0;
        requestAnimationFrame(function next(now) {
          const before = box.scrollTop;
          box.scrollTop += by;
          if (box.scrollTop === before) by = -by;
          if (now < end) requestAnimationFrame(next);
          else done();
        });
      }),
    [seconds * 1000, place] as const,
  );
