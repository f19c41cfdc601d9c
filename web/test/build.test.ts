// Guards of the build: what a browser loads before it shows anything stays small, and
// the editor and the graph are not in it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const dist = join(import.meta.dirname, "../../server/console/dist");
const packed = (name: string) => readFileSync(join(dist, name + ".gz"));
const text = (name: string) => gunzipSync(packed(name)).toString();

// entry is every script that the page needs first: the one it names, and what that imports.
function entry(): string[] {
  const first = [...text("index.html").matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((m) => m[1]!);
  const all = new Set(first);
  for (const name of all) {
    for (const m of text(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) all.add("assets/" + m[1]);
  }
  return [...all];
}

describe.skipIf(!existsSync(join(dist, "index.html.gz")))("the build", () => {
  it("loads less than 200 kB of script before the first page", () => {
    const sizes = entry().map((name) => packed(name).length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(200_000);
  });

  it("leaves the editor and the graph for later", () => {
    for (const name of entry()) {
      expect(text(name)).not.toContain("cm-editor");
      expect(text(name)).not.toContain("react-flow__");
    }
  });

  it("takes less than 1 MB of the binary", () => {
    const names = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((n) => n.endsWith(".gz"));
    expect(names.reduce((sum, n) => sum + readFileSync(join(dist, n)).length, 0)).toBeLessThan(1_000_000);
  });

  it("writes no script or style into the page", () => {
    expect(text("index.html")).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|style=/);
  });
});
