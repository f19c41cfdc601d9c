import { expect, it } from "vitest";
import { rangeOf } from "./range";

const now = new Date("2026-03-01T12:00:00Z");

it("reads choices", () => {
  expect(rangeOf("", "x", "y", now)).toEqual({ from: "", to: "" });
  expect(rangeOf("1h", "", "", now)).toEqual({ from: "2026-03-01T11:00:00.000Z", to: "" });
  const between = rangeOf("between", "2026-03-01T08:30", "nonsense", now);
  expect(between).toEqual({ from: new Date("2026-03-01T08:30").toISOString(), to: "" });
});
