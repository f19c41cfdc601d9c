import { describe, expect, it } from "vitest";
import { type Row, rowsOf, treeOf } from "./tree";

const topic = (name: string, rate = 1) => ({ topic: name, messages: 1, publishers: 1, subscribers: 1, rate, history: [] });
const shown = (rows: Row[]) => rows.map((r) => " ".repeat(r.depth) + r.branch.name);

describe("treeOf", () => {
  const tree = treeOf([
    topic("home/kitchen/heat", 2),
    topic("home/kitchen/light"),
    topic("poly/request"),
    topic("home/kitchen"),
    topic("a/b/c"),
  ]);

  it("joins levels without company", () =>
    expect(shown(rowsOf(tree, new Set()))).toEqual(["a/b/c", "home/kitchen", " heat", " light", "poly/request"]));

  it("adds rates up", () => expect(tree.find((b) => b.name === "home/kitchen")!.rate).toBe(4));

  it("folds", () => expect(shown(rowsOf(tree, new Set(["home/kitchen"])))).toEqual(["a/b/c", "home/kitchen", "poly/request"]));

  it("keeps empty levels", () => expect(shown(rowsOf(treeOf([topic("/a"), topic("/b")]), new Set()))).toEqual(["", " a", " b"]));
});
