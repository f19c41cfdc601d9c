import { describe, expect, it } from "vitest";
import { ago, bytes, clock, count, rate, span } from "./words";

const now = new Date("2026-03-01T12:00:00Z");
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000);

describe("words", () => {
  it.each([
    [3, "just now"],
    [65, "1 minute ago"],
    [3 * 3600 + 5, "3 hours ago"],
    [86_400, "yesterday"],
    [-120, "in 2 minutes"],
  ])("ago %d s", (seconds, want) => expect(ago(before(seconds), now)).toBe(want));

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [64 << 20, "64 MiB"],
    [150.4 * 1024, "150 KiB"],
  ])("bytes %d", (n, want) => expect(bytes(n)).toBe(want));

  it.each([
    [0.4, "0 ms"],
    [85, "85 ms"],
    [3210, "3.2 s"],
    [250_000, "4 min 10 s"],
    [7_260_000, "2 h 1 min"],
  ])("span %d", (ms, want) => expect(span(ms)).toBe(want));

  it("counts", () => {
    expect([count(1, "device"), count(0, "device"), count(1200, "device"), count(2, "reply", "replies")]).toEqual([
      "1 device",
      "0 devices",
      "1,200 devices",
      "2 replies",
    ]);
    expect([rate(0), rate(0.44), rate(1234.5)]).toEqual(["0/s", "0.4/s", "1,235/s"]);
  });

  it("keeps milliseconds of the clock", () => expect(clock(new Date(2026, 0, 1, 3, 4, 5, 6))).toBe("03:04:05.006"));
});
