import { describe, expect, it } from "vitest";
import { labelsOf, partingKeys, partOf } from "./labels";

const of = (...labels: Record<string, string>[]) => labels.map((l) => ({ labels: l }));

describe("partingKeys", () => {
  it("begins with what most have, in few parts", () =>
    expect(
      partingKeys(
        of({ site: "a", rack: "1", odd: "" }, { site: "a", rack: "2" }, { site: "b", rack: "3" }, { site: "b", rack: "3" }),
      ),
    ).toEqual(["site", "rack", "odd"]));
  it("leaves out what all have alike, and what names each", () =>
    expect(partingKeys(of({ os: "linux", id: "1" }, { os: "linux", id: "2" }))).toEqual([]));
});

it("names a part as its label is written", () => {
  const [d] = of({ site: "a", gpu: "" });
  expect(labelsOf(d!)).toEqual(["site=a", "gpu"]);
  expect([partOf(d, "site"), partOf(d, "gpu"), partOf(d, "rack")]).toEqual(["site=a", "gpu", "without rack"]);
});
