import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/*.bench.ts"], testTimeout: 600_000, hookTimeout: 300_000, maxWorkers: 1, reporters: ["dot"] },
});
