import { expect, it } from "vitest";
import { configurationFile, fill, templates } from "./templates";

it("has a template for each runtime, with words", () => {
  const runtimes = new Set(templates.map((t) => /^runtime: ([a-z]+)/m.exec(t.files[configurationFile]!)?.[1]));
  expect([...runtimes].sort()).toEqual(["container", "cpp", "java", "native", "node", "python", "wasm"]);
  for (const t of templates) expect(t.about, t.name).not.toBe("");
});

it("names files and configuration after the application", () => {
  const { config, files } = fill(
    templates.find((t) => t.name === "wasm")!,
    "my-sensor",
  );
  expect(config).toMatch(/^name: my-sensor$/m);
  expect(config).toMatch(/^handler: my_sensor\.wasm:handle$/m);
  expect(Object.keys(files)).toContain("my_sensor.c");
});
