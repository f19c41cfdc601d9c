import { describe, expect, it } from "vitest";
import { change, nextVersion, read } from "./yaml";

const text = `# who it is
name: hello # the name
version: 0.1.0
runtime: "python"

# what it is called for
triggers:
  - topic: a/b   # odd   spacing stays
    reply: a/c
limits: {memory: 64MiB, timeout: 5s}
`;

describe("change", () => {
  it("replaces a value where it stands and nothing else", () => {
    expect(change(text, ["name"], "bye")).toBe(text.replace("name: hello", "name: bye"));
    expect(change(text, ["limits", "timeout"], "1m")).toBe(text.replace("5s", "1m"));
    expect(change(text, ["triggers", 0, "topic"], "x/#")).toBe(text.replace("topic: a/b", "topic: x/#"));
  });

  it("keeps the quotes that are there", () => expect(change(text, ["runtime"], "node")).toBe(text.replace('"python"', '"node"')));

  it("quotes what would be read as something else", () => {
    expect(read(change(text, ["name"], "yes: no"))).toMatchObject({ name: "yes: no" });
    expect(read(change(text, ["version"], "1.0"))).toMatchObject({ version: "1.0" });
    expect(read(change(text, ["name"], "two\nlines"))).toMatchObject({ name: "two\nlines" });
  });

  it("adds what is not there, and comments survive", () => {
    const after = change(text, ["resources", "publish"], ["a/c", "d/e"]);
    expect(after).toContain("publish: [a/c, d/e]");
    for (const comment of ["# who it is", "# the name", "# what it is called for"]) expect(after).toContain(comment);
    expect(read(after)).toMatchObject({ name: "hello", resources: { publish: ["a/c", "d/e"] } });
  });

  it("takes away, with what becomes empty", () => {
    expect(read(change(text, ["triggers", 0], undefined))).not.toHaveProperty("triggers");
    expect(change(text, ["limits", "memory"], undefined)).toContain("limits: {timeout: 5s}");
  });

  it("begins with nothing", () => expect(change("", ["name"], "a")).toBe("name: a\n"));

  it("leaves a text that cannot be read alone", () => expect(change("a: [", ["name"], "b")).toBe("a: ["));
});

describe("read", () => {
  it("says when there is nothing to read", () => {
    expect(read("a: [")).toBeUndefined();
    expect(read("- a")).toBeUndefined();
    expect(read("")).toEqual({});
  });
});

it("nextVersion raises the patch", () =>
  expect([nextVersion("1.2.9"), nextVersion("1.2.3-rc.1"), nextVersion("x")]).toEqual(["1.2.10", "1.2.4", "x"]));
