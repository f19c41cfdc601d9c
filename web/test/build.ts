// What was built into the binary: files of the console, compressed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

export const dist = join(import.meta.dirname, "../../server/console/dist");

export const packed = (name: string) => readFileSync(join(dist, name + ".gz"));
export const text = (name: string) => gunzipSync(packed(name)).toString();

export const files = () =>
  readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((n) => n.endsWith(".gz"))
    .map((n) => n.slice(0, -".gz".length));

// loads is every script that a page needs that begins with these: they, and what they import.
export function loads(first: string[]): string[] {
  const all = new Set(first);
  for (const name of all) {
    for (const m of text(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) all.add("assets/" + m[1]);
  }
  return [...all];
}

// entry is every script that the page needs first.
export const entry = () => loads([...text("index.html").matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((m) => m[1]!));

export const sizeOf = (names: string[]) => names.reduce((sum, n) => sum + packed(n).length, 0);
