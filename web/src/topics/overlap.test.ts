import { expect, it } from "vitest";
import { overlap } from "./overlap";

it.each([
  ["a/b", "a/b", true],
  ["a/b", "a/c", false],
  ["a/+", "+/b", true],
  ["a/#", "a/b/c", true],
  ["a/#", "a", true],
  ["a/#", "b/#", false],
  ["#", "x/y", true],
  ["a/b", "a", false],
  ["+", "a/b", false],
])("%s and %s", (a, b, want) => {
  expect(overlap(a, b)).toBe(want);
  expect(overlap(b, a)).toBe(want);
});
