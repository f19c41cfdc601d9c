import { expect, it } from "vitest";
import { usedBy } from "./used";

const version = {
  name: "a",
  configuration: {
    resources: { publish: ["out/+", "log"], subscribe: ["in"] },
    triggers: [{ topic: "in", reply: "out/1" }],
  },
} as never;
const topic = (name: string, publishedBy: string[], subscribedBy: string[], messages = 5) => ({
  topic: name,
  publishers: publishedBy.length,
  subscribers: subscribedBy.length,
  messages,
  rate: 1,
  history: [1],
  publishedBy,
  subscribedBy,
});

it("tells what is used, what only may be, and what nobody hears", () =>
  expect(
    usedBy(version, [
      topic("out/1", ["a"], ["b"]),
      topic("out/2", ["a"], ["@agent"]),
      topic("out/3", ["b"], ["b"]),
      topic("out/+", [], ["b"]),
      topic("in", [], ["a"], 0),
    ]).map((u) => [u.does, u.topic, u.note]),
  ).toEqual([
    ["publishes", "out/1", ""],
    ["publishes", "out/2", "nobody hears it"],
    ["publishes", "out/3", "granted, not used"],
    ["publishes", "log", "granted, not used"],
    ["hears", "in", "nothing published yet"],
  ]));
