// Templates are those of `fescue init`: the same files, read when the console is built.
import type { Files } from "./archive";

const texts = import.meta.glob<string>("../../../cli/templates/**/*", { query: "?raw", import: "default", eager: true });
export const configurationFile = "fescue.yaml";
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
  wasm: ["WebAssembly function", "A module, compiled by fescue build: drop it onto the files."],
  micro: ["Function for a microcontroller", "A WebAssembly module that also fits a board: drop it onto the files."],
};

// An image of a registry needs nothing but a configuration. Which one it is, nobody can guess: the
// check says at its line what is missing.
const image: Template = {
  name: "image",
  title: "Container image",
  about: "A program from a registry, confined and on Data Xchange as all others.",
  files: {
    [configurationFile]: `name: {{name}}
version: 0.1.0
runtime: container

# The device pulls the image. The digest makes a version the same everywhere:
#   docker.io/library/redis:7@sha256:…
container:
  image: docker.io/library/NAME@sha256:DIGEST

# What its program may hear and say on Data Xchange.
resources:
  subscribe: [{{name}}/in]
  publish: [{{name}}/out]
`,
  },
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
  // A folder with an image's archive is made in a terminal, and can be brought as a whole.
  const built = (t: Template) => /runtime: container/.test(t.files[configurationFile] ?? "");
  return [image, ...[...found.values()].filter((t) => !built(t))].sort((a, b) => a.title.localeCompare(b.title));
}

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
