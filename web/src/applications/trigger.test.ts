import { expect, it } from "vitest";
import { triggerWords } from "./trigger";

it.each([
  [{ topic: "a/b", reply: "a/c" }, "a/b → a/c"],
  [{ topic: "a", delivery: "at-least-once", retries: 3 }, "a (delivery at-least-once, retries 3)"],
  [{ http: "POST /x", auth: "public", async: true }, "POST /x (auth public, async)"],
  [{ schedule: "every 10s" }, "every 10s"],
  [{ hook: "start" }, "start of the application"],
])("%o", (trigger, want) => expect(triggerWords(trigger)).toBe(want));
