import { describe, expect, it } from "vitest";
import { guess } from "./guess";
import { exportsOf } from "./wasm";
import { read } from "./yaml";

// (module (memory (export "memory") 1) (func (export "handle") (result i32) i32.const 0))
const module = {
  base64: btoa(
    "\0asm\x01\0\0\0" + // magic, version
      "\x01\x05\x01\x60\0\x01\x7f" + // types
      "\x03\x02\x01\0" + // functions
      "\x05\x03\x01\0\x01" + // memory
      "\x07\x13\x02\x06memory\x02\0\x06handle\0\0" + // exports
      "\x0a\x06\x01\x04\0\x41\0\x0b", // code
  ),
};

it("reads the functions that a module exports", () => {
  expect(WebAssembly.validate(Uint8Array.from(atob(module.base64), (c) => c.charCodeAt(0)))).toBe(true);
  expect(exportsOf(module)).toEqual(["handle"]);
  expect(exportsOf({ base64: btoa("no module at all") })).toEqual([]);
  expect(exportsOf({ base64: btoa("\0asm\x01\0\0\0\x07\xff") })).toEqual([]);
});

describe("guess", () => {
  it.each([
    [
      "a Python function",
      { "app/x.py": "import y\n\nasync def run(event, context):\n" },
      { runtime: "python", handler: "app.x.run" },
    ],
    ["a JavaScript function", { "index.mjs": "export async function go(event) {}" }, { runtime: "node", handler: "index.go" }],
    ["a CommonJS function", { "a.js": "exports.go = () => {}" }, { runtime: "node", handler: "a.go" }],
    ["a module", { "m.wasm": module }, { runtime: "wasm", handler: "m.wasm:handle" }],
    ["a program", { "lib/x.py": "", "run.sh": "#!/bin/sh" }, { runtime: "native", commands: [{ run: "sh run.sh" }] }],
    ["nothing of use", { "README.md": "" }, { runtime: "python", commands: [{ run: "python main.py" }] }],
  ])("knows %s", (_, files, want) => expect(read(guess(files))).toMatchObject(want));

  it("names requirements", () =>
    expect(read(guess({ "main.py": "def handle(event, context):\n", "requirements.txt": "" }))).toMatchObject({
      dependencies: { requirements: "requirements.txt" },
    }));
});
