import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { complete, pathOf } from "./complete";
import type { Schema } from "./schema";

// The very schema that the server publishes.
const schema: Schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../../spec/testdata/schema.golden.json"), "utf8"));

function at(text: string, explicit = false): string[] {
  const pos = text.indexOf("|");
  const state = EditorState.create({ doc: text.replace("|", "") });
  return complete(schema)(new CompletionContext(state, pos, explicit))?.options.map((o) => o.label) ?? [];
}

describe("complete", () => {
  it("knows the keys of the top", () => expect(at("na|")).toEqual(expect.arrayContaining(["name", "version", "runtime"])));
  it("knows the keys below", () => expect(at("limits:\n  m|")).toEqual(expect.arrayContaining(["memory", "timeout"])));
  it("knows the keys of list items", () => {
    expect(at("triggers:\n  - t|")).toEqual(expect.arrayContaining(["topic", "reply"]));
    expect(at("triggers:\n  - topic: a/b\n    r|")).toEqual(expect.arrayContaining(["topic", "reply"]));
  });
  it("knows choices", () => {
    expect(at("isolation: |")).toEqual(expect.arrayContaining(["sandbox", "none"]));
    expect(at("commands:\n  - run: x\n    mode: u|")).toEqual(expect.arrayContaining(["sandbox", "user", "root"]));
    expect(at("commands:\n  - wait: |")).toEqual(["true", "false"]);
  });
  it("does not disturb", () => {
    expect(at("|")).toEqual([]);
    expect(at("environment:\n  A|")).toEqual([]);
    expect(at("|", true)).toEqual(expect.arrayContaining(["name"]));
  });
});

it("pathOf follows the indentation", () => {
  expect(pathOf(["a:", "  b: 1", "  c:", "    - d: 1"], 6)).toEqual(["a", "c"]);
  expect(pathOf(["a:", "  b: 1"], 0)).toEqual([]);
});
