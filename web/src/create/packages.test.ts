import { describe, expect, it } from "vitest";
import { isReadable, locked, npm, requirements } from "./packages";

const text = `# for the web
requests==2.32.3  # pinned: 2.33 is broken
--extra-index-url https://example.org/simple

numpy>=2
`;

describe("requirements.txt", () => {
  it("lists packages, not comments and options", () =>
    expect(requirements.list(text)).toEqual([
      { at: "1", text: "requests==2.32.3" },
      { at: "4", text: "numpy>=2" },
    ]));

  it("changes one and leaves the rest", () =>
    expect(requirements.put(text, "1", "requests==2.34.0")).toBe(text.replace("2.32.3", "2.34.0")));

  it("adds and takes away", () => {
    expect(requirements.put(text, undefined, "pyserial")).toBe(text + "pyserial\n");
    expect(requirements.put("", undefined, "pyserial")).toBe("pyserial\n");
    expect(requirements.put(text, "4", "")).toBe(text.replace("numpy>=2\n", ""));
    expect(requirements.put("one\n", "0", "")).toBe("");
  });
});

describe("package.json", () => {
  const file = '{\n    "name": "app",\n    "dependencies": {\n        "a": "^1.0.0"\n    },\n    "type": "module"\n}\n';

  it("lists, changes, adds and takes away, and keeps the rest", () => {
    expect(npm.list(file)).toEqual([{ at: "a", text: "a ^1.0.0" }]);
    expect(npm.put(file, "a", "a ^2.0.0")).toBe(file.replace("^1.0.0", "^2.0.0"));
    expect(JSON.parse(npm.put(file, undefined, "b"))).toEqual({
      name: "app",
      dependencies: { a: "^1.0.0", b: "*" },
      type: "module",
    });
    expect(npm.list(npm.put(file, "a", ""))).toEqual([]);
    expect(npm.put("", undefined, "b ~1")).toBe('{\n  "dependencies": {\n    "b": "~1"\n  }\n}\n');
  });

  it("is not touched while it cannot be read", () =>
    expect([isReadable(npm, "{"), isReadable(npm, file)]).toEqual([false, true]));

  it("knows a lock file that is not of it", () => {
    const lock = (of: object) => JSON.stringify({ packages: { "": { dependencies: of } } });
    expect(locked(file, lock({ a: "^1.0.0" }))).toBe(true);
    expect([locked(file, lock({ a: "^2" })), locked(file, undefined)]).toEqual([false, false]);
  });
});
