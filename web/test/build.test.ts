// Guards of the build: what a browser loads before it shows anything stays small, and
// the editor and the graph are not in it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dist, entry, files, sizeOf, text } from "./build";

describe.skipIf(!existsSync(join(dist, "index.html.gz")))("the build", () => {
  it("loads less than 200 kB of script before the first page", () => {
    expect(entry().length).toBeGreaterThan(0);
    expect(sizeOf(entry())).toBeLessThan(200_000);
  });

  it("leaves the editor and the graph for later", () => {
    for (const name of entry()) {
      expect(text(name)).not.toContain("cm-editor");
      expect(text(name)).not.toContain("react-flow__");
    }
  });

  it("takes less than 1 MB of the binary", () => expect(sizeOf(files())).toBeLessThan(1_000_000));

  it("writes no script or style into the page", () => {
    expect(text("index.html")).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|style=/);
  });
});
