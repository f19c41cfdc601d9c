import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Files, pack, unpack } from "./archive";

const long = "a-folder-with-a-name-of-some-length/".repeat(3) + "and-a-file-with-a-name-that-is-long-too.py";
const files: Files = {
  "main.py": "print('ä')\n",
  "lib/empty.txt": "",
  [long]: "x".repeat(513),
  "logo.bin": { base64: btoa("\xff\x00\x01") },
};
const dir = mkdtempSync(join(tmpdir(), "fescue-archive-"));
afterAll(() => rmSync(dir, { recursive: true }));

describe("archive", () => {
  it("comes back as it went", async () => expect(await unpack(await pack(files))).toEqual(files));

  it("is one that tar reads", async () => {
    const path = join(dir, "a.tar.gz");
    writeFileSync(path, Buffer.from(await (await pack(files)).arrayBuffer()));
    execFileSync("tar", ["-xzf", path, "-C", dir]);
    expect(readFileSync(join(dir, "main.py"), "utf8")).toBe(files["main.py"]);
    expect(readFileSync(join(dir, long), "utf8")).toBe(files[long]);
    expect(readFileSync(join(dir, "logo.bin"))).toEqual(Buffer.from([0xff, 0, 1]));
  });

  it("makes scripts executable", async () => {
    const path = join(dir, "run.tar.gz");
    writeFileSync(path, Buffer.from(await (await pack({ "run.sh": "#!/bin/sh\n", "data.txt": "#" })).arrayBuffer()));
    execFileSync("tar", ["-xzf", path, "-C", dir]);
    const mode = (name: string) => (statSync(join(dir, name)).mode & 0o111) !== 0;
    expect([mode("run.sh"), mode("data.txt")]).toEqual([true, false]);
  });

  it("reads what tar makes, long names and folders too", async () => {
    const from = join(dir, "from");
    const longer = "x".repeat(120) + "/" + "y".repeat(110) + ".txt";
    mkdirSync(dirname(join(from, longer)), { recursive: true });
    writeFileSync(join(from, longer), "long");
    writeFileSync(join(from, "b.txt"), "b");
    execFileSync("tar", ["--format=pax", "-czf", join(dir, "b.tar.gz"), "-C", from, "."]);
    expect(await unpack(new Blob([readFileSync(join(dir, "b.tar.gz"))]))).toEqual({ [longer]: "long", "b.txt": "b" });
  });

  it("is the same for the same files", async () => {
    const again = Object.fromEntries(Object.entries(files).reverse());
    const bytes = async (f: Files) => Buffer.from(await (await pack(f)).arrayBuffer());
    expect((await bytes(files)).equals(await bytes(again))).toBe(true);
  });

  it("refuses what is no archive", async () =>
    await expect(unpack(new Blob(["x".repeat(600)]))).rejects.toThrow("neither a tar"));
});
