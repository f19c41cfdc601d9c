// Templates are those of `fescue init`: the same files, read when the console is built.
import type { Files } from "./archive";

const texts = import.meta.glob<string>("../../../cli/templates/**/*", { query: "?raw", import: "default", eager: true });
const root = "../../../cli/templates/";

export interface Template {
  name: string;
  title: string;
  about: string;
  files: Record<string, string>;
}

// What a template is for; one that is not named here shows its own name.
const words: Record<string, [string, string]> = {
  python: ["Python function", "Called for every message on a topic; what it returns is published."],
  "python-service": ["Python service", "A program that keeps running and uses topics itself."],
  native: ["Native program", "A script or executable, started for every message: in on stdin, out on stdout."],
  node: ["JavaScript function", "A Node.js function, called for every message on a topic."],
  java: ["Java function", "A Java method, called for every message on a topic."],
  cpp: ["C++ function", "Compiled code, called for every message on a topic."],
  wasm: ["WebAssembly function", "A portable module that runs on devices and microcontrollers."],
};

export const templates: Template[] = collect();

function collect(): Template[] {
  const found = new Map<string, Template>();
  for (const [path, text] of Object.entries(texts)) {
    const [name, ...rest] = path.slice(root.length).split("/");
    if (!name || rest.length === 0) continue;
    const [title, about] = words[name] ?? [name, ""];
    const template = found.get(name) ?? { name, title, about, files: {} };
    template.files[rest.join("/")] = text;
    found.set(name, template);
  }
  // What has to be compiled first is begun in a terminal.
  return [...found.values()].filter((t) => !("Makefile" in t.files || "image.sh" in t.files)).sort((a, b) => a.title.localeCompare(b.title));
}

export const configurationFile = "fescue.yaml";

// fill makes an application of a template, as `fescue init` does.
export function fill(template: Template, name: string): { config: string; files: Files } {
  const module = moduleName(name);
  const files: Files = {};
  let config = "";
  for (const [path, text] of Object.entries(template.files)) {
    const filled = text.replaceAll("{{name}}", name).replaceAll("{{module}}", module);
    if (path === configurationFile) config = filled.replace(/^# yaml-language-server:.*\n/, "");
    else files[path.replace(/^handler\./, `${module}.`)] = filled;
  }
  return { config, files };
}

// A module's name has no hyphen and does not begin with a digit.
function moduleName(name: string): string {
  const module = name.replaceAll("-", "_");
  return /^[0-9]/.test(module) ? "app_" + module : module;
}
