import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../api/client";
import { courses, steps } from "./progress";

let id = 0;
const event = (more: Partial<StoredEvent>): StoredEvent => ({
  id: ++id,
  device: "pi",
  sequence: id,
  time: "2026-01-01T00:00:00Z",
  kind: "step",
  ...more,
});

describe("courses", () => {
  it("follows steps in the engine's order, with what they took", () => {
    const [c] = courses([
      event({ step: "fetch", status: "started" }),
      event({ step: "fetch", status: "succeeded", time: "2026-01-01T00:00:00.250Z" }),
      event({ step: "dependencies", status: "skipped" }),
      event({ step: "start", status: "started" }),
    ]);
    expect(c!.steps.map((s) => s.step)).toEqual([...steps]);
    expect(c!.steps[0]).toEqual({ step: "fetch", status: "succeeded", took: 250, message: "" });
    expect(c!.steps[3]!.status).toBe("skipped");
    expect([c!.steps[6]!.status, c!.steps[6]!.took]).toEqual(["started", undefined]);
    expect(c!.outcome).toBe("");
  });

  it("names the first failure as the reason, with its last lines", () => {
    const [c] = courses([
      event({ step: "healthy", status: "failed", message: "it ended", hint: "Look at its output.", lastLogs: ["Traceback"] }),
      event({ kind: "deployment", status: "failed", message: "went back to 1.0.0" }),
    ]);
    expect(c).toMatchObject({ outcome: "failed", message: "it ended", hint: "Look at its output.", lastLogs: ["Traceback"] });
  });

  it("tells devices apart and keeps steps it does not know", () => {
    const all = courses([
      event({ device: "b", step: "fetch", status: "started" }),
      event({ device: "a", step: "polish", status: "succeeded" }),
    ]);
    expect(all.map((c) => c.device)).toEqual(["a", "b"]);
    expect(all[0]!.steps.at(-1)!.step).toBe("polish");
  });
});
