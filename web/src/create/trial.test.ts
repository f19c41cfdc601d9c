import { describe, expect, it } from "vitest";
import { trialConfig } from "./trial";
import { read } from "./yaml";

const config =
  "# mine\nname: hello\nversion: 1.2.3\nruntime: python\nhandler: hello.handle\ntriggers:\n  - topic: a\n    reply: b\nlimits: {timeout: 5s}\n";

describe("trialConfig", () => {
  it("has a name and a version of its own and no triggers, and keeps the rest", () => {
    const { name, config: text } = trialConfig(config, 7);
    expect(name).toBe("hello-trial");
    expect(read(text)).toEqual({
      name: "hello-trial",
      version: "0.0.0-trial.7",
      runtime: "python",
      handler: "hello.handle",
      limits: { timeout: "5s" },
    });
  });

  it("keeps long names within what a name may have", () => {
    const { name } = trialConfig(config.replace("hello", "a".repeat(56) + "-bcdefg"), 1);
    expect(name).toBe("a".repeat(56) + "-trial");
    expect(trialConfig(config.replace("hello", "a".repeat(63)), 1).name).toHaveLength(63);
  });
});
