// The packages that an application needs, in the files that its language has for them: changed
// line by line, so that comments and options stay.

export interface Package {
  at: string; // where in the file: the line's number, or the name
  text: string; // as one writes it: requests==2.32.3, left-pad ^1.3.0
}

export interface Manifest {
  file: string; // the usual name
  key: "requirements" | "package"; // below dependencies in fescue.yaml
  what: string;
  example: string;
  list: (text: string) => Package[];
  put: (text: string, at: string | undefined, value: string) => string; // undefined: one more; "": away
}

// requirements is pip's format: a package in each line, comments, and lines with options.
export const requirements: Manifest = {
  file: "requirements.txt",
  key: "requirements",
  what: "Python packages",
  example: "requests==2.32.3",
  list: (text) =>
    text
      .split("\n")
      .map((line, i) => ({ at: String(i), text: withoutComment(line) }))
      .filter((p) => p.text !== "" && !p.text.startsWith("-")),
  put: (text, at, value) => {
    const lines = text.replace(/\n$/, "").split("\n");
    if (at === undefined) return [...lines.filter((l, i) => l !== "" || i > 0), value].join("\n") + "\n";
    const i = Number(at);
    if (value === "") lines.splice(i, 1);
    else lines[i] = value + lines[i]!.slice(withoutComment(lines[i]!).length);
    return lines.length > 0 ? lines.join("\n") + "\n" : "";
  },
};

const withoutComment = (line: string) => line.replace(/(^|\s+)#.*$/, "").trimEnd();

// npm is package.json, of which only what stands below dependencies is changed.
export const npm: Manifest = {
  file: "package.json",
  key: "package",
  what: "npm packages",
  example: "left-pad ^1.3.0",
  list: (text) => Object.entries(dependenciesOf(text)).map(([at, version]) => ({ at, text: `${at} ${version}` })),
  put: (text, at, value) => {
    const document = parsed(text);
    const all: Record<string, string> = {};
    const [name, ...version] = value.trim().split(/\s+/);
    const entry: [string, string] = [name ?? "", version.join(" ") || "*"];
    for (const [k, v] of Object.entries(dependenciesOf(text))) {
      if (k !== at) all[k] = v;
      else if (name) all[entry[0]] = entry[1];
    }
    if (at === undefined && name) all[name] = entry[1];
    const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
    return JSON.stringify({ ...document, dependencies: all }, null, indent) + "\n";
  },
};

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text || "{}");
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

const dependenciesOf = (text: string) => (parsed(text).dependencies ?? {}) as Record<string, string>;

// isReadable tells whether a manifest can be changed without losing what is in it.
export function isReadable(manifest: Manifest, text: string): boolean {
  if (manifest !== npm || text === "") return true;
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

// locked tells whether package-lock.json is of this package.json: npm installs nothing else.
export function locked(text: string, lock: string | undefined): boolean {
  const root = (parsed(lock ?? "").packages as Record<string, { dependencies?: Record<string, string> }> | undefined)?.[""];
  return root !== undefined && JSON.stringify(sorted(root.dependencies)) === JSON.stringify(sorted(dependenciesOf(text)));
}

const sorted = (of: Record<string, string> = {}) => Object.entries(of).sort();

export const manifestOf = (runtime: string): Manifest | undefined =>
  ({ python: requirements, node: npm })[runtime.trim().split(/\s/)[0] ?? ""];
