import { defineConfig } from "vitest/config";

// Real browser, real binary: one after the other, with generous deadlines.
export default defineConfig({
  test: {
    include: ["test/*.e2e.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    maxWorkers: 1,
    bail: 12,
  },
});
