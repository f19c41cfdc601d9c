import { describe, expect, it } from "vitest";
import { type Line, LogBuffer, levelOf, matches } from "./buffer";

const line = (time: string, text = "", more: Partial<Line> = {}): Line => ({
  time,
  text,
  application: "a",
  stream: "stdout",
  device: "pi",
  key: 0,
  ...more,
});

describe("LogBuffer", () => {
  it("puts lines of several outputs in order of time", () => {
    const b = new LogBuffer();
    b.add(line("2026-01-01T00:00:02Z", "second"));
    b.flush();
    b.add(line("2026-01-01T00:00:03Z", "third"));
    b.add(line("2026-01-01T00:00:01Z", "first"));
    b.flush();
    expect(b.get().lines.map((l) => l.text)).toEqual(["first", "second", "third"]);
  });

  it("keeps lines of one moment as they came", () => {
    const b = new LogBuffer();
    for (const text of ["a", "b", "c"]) b.add(line("2026-01-01T00:00:01Z", text));
    b.flush();
    expect(b.get().lines.map((l) => l.text)).toEqual(["a", "b", "c"]);
  });

  it("is bounded, and says so", () => {
    const b = new LogBuffer();
    for (let i = 0; i < 10_500; i++) b.add(line("2026-01-01T00:00:01Z", String(i)));
    b.drop(3);
    b.flush();
    expect(b.get().lines.length).toBe(10_000);
    expect(b.get().lines[0]!.text).toBe("500");
    expect([b.get().discarded, b.get().dropped]).toEqual([500, 3]);
  });
});

describe("levels", () => {
  it("come from the line, else from the stream", () => {
    expect(levelOf(line("", "", { level: "ERROR" }))).toBe("error");
    expect(levelOf(line("", "", { stream: "stderr" }))).toBe("warning");
    expect(levelOf(line("", "", { stream: "stderr", level: "info" }))).toBe("info");
    expect(levelOf(line(""))).toBe("info");
  });

  it("filter with the text", () => {
    const l = line("", "Greeting Ada");
    expect(matches(l, { text: "ada", level: "debug" })).toBe(true);
    expect(matches(l, { text: "bob", level: "debug" })).toBe(false);
    expect(matches(l, { text: "", level: "warning" })).toBe(false);
  });
});
