// What differs between the files of two versions.
import type { Files } from "../create/archive";

export interface Difference {
  path: string;
  kind: "changed" | "added" | "removed" | "binary";
  from: string;
  to: string;
}

export function differences(a: Files, b: Files): Difference[] {
  const found: Difference[] = [];
  for (const path of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    const [from, to] = [a[path], b[path]];
    if (JSON.stringify(from) === JSON.stringify(to)) continue;
    const text = (f: Files[string] | undefined) => (typeof f === "string" ? f : "");
    const binary = typeof from === "object" || typeof to === "object";
    const kind = binary ? "binary" : from === undefined ? "added" : to === undefined ? "removed" : "changed";
    found.push({ path, kind, from: text(from), to: text(to) });
  }
  return found;
}
