// guess makes a first configuration for files that were brought without one.
import type { Files } from "./archive";
import { exportsOf } from "./wasm";

interface Guess {
  runtime: string;
  handler?: string;
  more?: string;
}

export function guess(files: Files): string {
  const paths = Object.keys(files).sort((a, b) => a.split("/").length - b.split("/").length || a.localeCompare(b));
  const found = firstOf(paths, (path) => guessOf(path, files[path]!));
  const name = "name: my-application\nversion: 0.1.0\n";
  if (!found) return name + service(paths);
  const handler = found.handler ? `handler: ${found.handler}\n` : "";
  return (
    `${name}runtime: ${found.runtime}\n\n` +
    `# What is called for each event; see that it is the right one.\n${handler}${found.more ?? ""}` +
    `triggers:\n  - topic: my-application/request\n    reply: my-application/reply\n${dependencies(files)}`
  );
}

function firstOf<T>(paths: string[], of: (path: string) => T | undefined): T | undefined {
  for (const path of paths) {
    const found = of(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

// guessOf tells a function by what its file has in it.
function guessOf(path: string, content: Files[string]): Guess | undefined {
  if (path.endsWith(".wasm") && typeof content !== "string") {
    const names = exportsOf(content);
    const one = names.includes("handle") ? "handle" : names[0];
    return { runtime: "wasm", handler: names.includes("_start") || !one ? path : `${path}:${one}` };
  }
  if (typeof content !== "string") return undefined;
  if (path.endsWith(".py")) {
    const name = /^(?:async )?def (\w+)\(event\b/m.exec(content)?.[1];
    return name ? { runtime: "python", handler: `${path.slice(0, -3).replaceAll("/", ".")}.${name}` } : undefined;
  }
  if (/\.[cm]?js$/.test(path)) {
    const m = /^export (?:async )?(?:function|const) (\w+)|^(?:module\.)?exports\.(\w+) *=/m.exec(content);
    return m ? { runtime: "node", handler: `${path.replace(/\.[cm]?js$/, "")}.${m[1] ?? m[2]}` } : undefined;
  }
  return undefined;
}

function dependencies(files: Files): string {
  if ("requirements.txt" in files) return "dependencies:\n  requirements: requirements.txt\n";
  if ("package.json" in files && "package-lock.json" in files) return "dependencies:\n  package: package.json\n";
  return "";
}

function service(paths: string[]): string {
  const [runtime, run] = firstOf(paths, programOf) ?? ["python", "python main.py"];
  return `runtime: ${runtime}

# What runs. A function has a handler and triggers in place of commands:
#   handler: main.handle
#   triggers:
#     - topic: my/topic
commands:
  - run: ${run}
`;
}

const programs: [RegExp, string, string][] = [
  [/\.py$/, "python", "python "],
  [/\.[cm]?js$/, "node", "node "],
  [/\.sh$/, "native", "sh "],
];

function programOf(path: string): [string, string] | undefined {
  const found = programs.find(([ending]) => ending.test(path));
  return found && [found[1], found[2] + path];
}
