import { describe, expect, it } from "vitest";
import { grantsOf, matchesFilter } from "./grants";

it("grants what triggers name, once", () =>
  expect(grantsOf({ resources: { subscribe: ["a"], publish: ["b"] }, triggers: [{ topic: "a", reply: "c" }] } as never)).toEqual({
    subscribe: ["a"],
    publish: ["b", "c"],
  }));

describe("matchesFilter", () => {
  it.each([
    ["a/b", "a/b", true],
    ["a/b", "a/c", false],
    ["a/+", "a/b", true],
    ["a/+", "a/b/c", false],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["#", "a", true],
    ["#", "$SYS/x", false],
    ["a/+/c", "a/b/c", true],
    ["a", "a/b", false],
  ])("%s %s", (filter, topic, want) => expect(matchesFilter(filter, topic)).toBe(want));
});
