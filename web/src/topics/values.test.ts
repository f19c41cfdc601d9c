import { expect, it } from "vitest";
import type { Message } from "./tail";
import { rowsOf } from "./Values";

const rated = (topic: string, messages: number) => ({
  topic,
  messages,
  publishers: 1,
  subscribers: 0,
  bytes: 0,
  rate: 0,
  history: [],
});
const message = (key: number, topic: string) => ({ key, topic, time: "", from: "", text: String(key), size: 1 });

it("has each topic once, with what came last", () => {
  const rows = rowsOf([rated("a/b", 2), rated("a/c", 0), rated("x", 5), rated("a/#", 1)], "a/#", [
    message(1, "a/b"),
    message(2, "a/new"),
    message(3, "a/b"),
  ]);
  expect(rows.map((r) => [r.topic, r.last?.text])).toEqual([
    ["a/b", "3"],
    ["a/new", "2"],
  ]);
});

it("has what the device remembers until something comes, and tells where it was cut", () => {
  const known = { ...rated("a/b", 2), lastAt: "2026-11-26T10:00:00Z", last: btoa("21.5"), lastSize: 4 };
  const long = { ...rated("a/c", 1), lastAt: "2026-11-26T10:00:00Z", last: btoa("x".repeat(256)), lastSize: 9000 };
  const last = (messages: Message[]) => rowsOf([known, long], "#", messages).map((r) => [r.last?.text, r.last?.size]);
  expect(last([])).toEqual([
    ["21.5", 4],
    ["x".repeat(256) + " …", 9000],
  ]);
  expect(last([message(7, "a/b")])[0]).toEqual(["7", 1]);
});
