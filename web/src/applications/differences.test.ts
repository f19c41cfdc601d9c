import { expect, it } from "vitest";
import { differences } from "./differences";

it("tells what changed, came and went", () => {
  const binary = (base64: string) => ({ base64 });
  const a = { same: "1", old: "x", changed: "a", logo: binary("AA==") };
  const b = { same: "1", new: "y", changed: "b", logo: binary("AQ==") };
  expect(differences(a, b).map((d) => [d.path, d.kind])).toEqual([
    ["changed", "changed"],
    ["logo", "binary"],
    ["new", "added"],
    ["old", "removed"],
  ]);
  expect(differences(a, a)).toEqual([]);
});
