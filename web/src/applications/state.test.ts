import { describe, expect, it } from "vitest";
import type { Application, Placement } from "../api/client";
import { runningVersions, summary, undeployed } from "./state";

const placement = (device: string, more: Partial<Placement> = {}): Placement => ({
  device,
  name: "hello",
  version: "1.0.0",
  desired: "running",
  deployment: 1,
  state: "running",
  actual: "1.0.0",
  message: "",
  updatedAt: "",
  ...more,
});
const app = (placements: Placement[]): Application => ({
  name: "hello",
  latest: "1.0.0",
  versions: 1,
  placements,
  updatedAt: "",
});

describe("summary", () => {
  it("says when nothing is deployed", () => expect(summary([]).state).toBe("not deployed"));
  it("names the one device", () => expect(summary([placement("pi")])).toEqual({ state: "running", tone: "good", detail: "pi" }));
  it("puts what needs a person first", () =>
    expect(summary([placement("a"), placement("b", { state: "failed" }), placement("c", { state: "deploying" })])).toEqual({
      state: "failed",
      tone: "bad",
      detail: "1 of 3 devices",
    }));
  it("counts a start that has not come as under way", () =>
    expect(summary([placement("a", { state: "stopped" })]).state).toBe("deploying"));
  it("leaves what was stopped stopped", () =>
    expect(summary([placement("a", { state: "stopped", desired: "stopped" })]).state).toBe("stopped"));
});

describe("undeployed", () => {
  it("is empty when every device has the newest", () => expect(undeployed(app([placement("a")]))).toBe(""));
  it("is the newest when a device is behind", () =>
    expect(undeployed(app([placement("a"), placement("b", { version: "0.9.0" })]))).toBe("1.0.0"));
  it("is the newest when no device has it", () => expect(undeployed(app([]))).toBe("1.0.0"));
});

it("lists running versions once", () =>
  expect(runningVersions([placement("a"), placement("b"), placement("c", { actual: "0.9.0" })])).toEqual(["0.9.0", "1.0.0"]));
