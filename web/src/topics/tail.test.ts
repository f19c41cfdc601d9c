import { describe, expect, it } from "vitest";
import { Tail } from "./tail";

const raw = (payload: string, topic = "a") =>
  JSON.stringify({ time: "2026-01-01T00:00:00Z", topic, from: "x", payload: btoa(payload) });

describe("Tail", () => {
  it("reads text, and shows bytes that are none", () => {
    const tail = new Tail();
    tail.add(raw('{"a":1}'));
    tail.add(raw("\xff\x00"));
    tail.add(raw(""));
    tail.flush();
    expect(tail.get().messages.map((m) => [m.text, m.size])).toEqual([
      ['{"a":1}', 7],
      ["ff 00", 2],
      ["", 0],
    ]);
  });

  it("keeps some of what comes too fast, in order, and says so", () => {
    const tail = new Tail();
    for (let i = 0; i < 5000; i++) tail.add(raw(String(i)));
    tail.drop(7);
    tail.flush();
    const { messages, seen, sampled, dropped } = tail.get();
    expect([messages.length, seen, sampled, dropped]).toEqual([200, 5000, 4800, 7]);
    const numbers = messages.map((m) => Number(m.text));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it("is bounded", () => {
    const tail = new Tail();
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 100; j++) tail.add(raw("x"));
      tail.flush();
    }
    expect(tail.get()).toMatchObject({ seen: 4000, sampled: 0 });
    expect(tail.get().messages.length).toBe(2000);
  });
});
