import { describe, expect, it } from "vitest";
import { seriesOf, spanOf } from "./series";

const at = (seconds: number, n: number) => ({ time: new Date(seconds * 1000).toISOString(), n });

describe("seriesOf", () => {
  const shapes = [{ name: "n", tone: "good" as const, value: (p: { n: number }) => p.n || null }];

  it("leaves a hole where a device was silent, and none where it was idle", () => {
    const { times, lines } = seriesOf([at(0, 1), at(60, 2), at(600, 3)], 10, shapes);
    expect(times).toEqual([0, 60, 70, 600]);
    expect(lines[0]!.values).toEqual([1, 2, null, 3]);
  });

  it("has a hole where a point has no value", () => {
    expect(seriesOf([at(0, 0), at(10, 4)], 10, shapes).lines[0]!.values).toEqual([null, 4]);
  });
});

it("spanOf falls back on an hour", () => {
  expect(spanOf("7d").step).toBe("30m");
  expect(spanOf("nonsense").value).toBe("1h");
});
