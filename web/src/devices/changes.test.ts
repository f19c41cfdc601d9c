import { expect, it } from "vitest";
import { changesOf } from "./changes";

it("tells what changed", () => {
  expect(changesOf({ room: "attic", old: "", floor: "3" }, ["room=kitchen", "floor=3", "new", "url=a=b"])).toEqual({
    room: "kitchen",
    old: null,
    new: "",
    url: "a=b",
  });
});
