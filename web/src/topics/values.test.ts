import { expect, it } from "vitest";
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
