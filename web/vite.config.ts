import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const embedded = join(import.meta.dirname, "../server/console/dist");

// embed puts the build where the Go binary embeds it, compressed: the binary has no
// room for both forms.
function embed(): Plugin {
  return {
    name: "embed",
    apply: "build",
    closeBundle() {
      const dist = join(import.meta.dirname, "dist");
      rmSync(embedded, { recursive: true, force: true });
      for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const from = join(entry.parentPath, entry.name);
        const to = join(embedded, relative(dist, from) + ".gz");
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, gzipSync(readFileSync(from), { level: 9 }));
      }
      writeFileSync(join(embedded, ".gitkeep"), ""); // so that a clone can be built without Node
    },
  };
}

export default defineConfig({
  plugins: [react(), embed()],
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark(); its substitute needs more than it says
    chunkSizeWarningLimit: 700,
    assetsInlineLimit: 0, // what is inlined as data: the policy refuses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: [".."] }, // templates are those of the command line
    proxy: Object.fromEntries(
      ["/v1", "/docs", "/openapi"].map((path) => [path, process.env.FESCUE_URL ?? "http://127.0.0.1:8420"]),
    ),
  },
});
