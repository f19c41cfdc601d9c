import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { unpack } from "./archive";
import { filesOf } from "./upload";
import { unzip } from "./zip";

const dir = mkdtempSync(join(tmpdir(), "fescue-zip-"));
afterAll(() => rmSync(dir, { recursive: true }));

// Python's zipfile is an implementation that is not ours, and there where the tests run.
const make = `import sys, zipfile
archive, root, method = sys.argv[1:4]
with zipfile.ZipFile(archive, "w", int(method)) as z:
    z.comment = b"a comment"
    for name in sys.argv[4:]:
        z.write(root + "/" + name, name)
`;

function zipOf(files: Record<string, string | Buffer>, method = 8): Buffer {
  const root = mkdtempSync(join(dir, "root-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  execFileSync("python3", ["-c", make, join(root, "a.zip"), root, String(method), ...Object.keys(files)]);
  return readFileSync(join(root, "a.zip"));
}

const blob = (b: Buffer) => new Blob([new Uint8Array(b)]);

describe("unzip", () => {
  it.each([0, 8])("reads what others made, method %d", async (method) => {
    const files = { "main.py": "print('ä')\n", "a/b/empty.txt": "", "ä/long.txt": "x".repeat(200_000) };
    const archive = zipOf({ ...files, "logo.bin": Buffer.from([0xff, 0, 1]) }, method);
    expect(await unpack(blob(archive))).toEqual({ ...files, "logo.bin": { base64: btoa("\xff\x00\x01") } });
  });

  it("refuses what is damaged, at every length", async () => {
    const archive = zipOf({ "main.py": "print(1)\n".repeat(20) });
    for (let n = 2; n < archive.length - 9; n++)
      await expect(unpack(blob(archive.subarray(0, n))), `${n} bytes`).rejects.toThrow("damaged");
    const wrong = Buffer.from(archive);
    wrong[42] = wrong[42]! ^ 0xff;
    await expect(unpack(blob(wrong))).rejects.toThrow("main.py");
  });

  it("unpacks no more than it was told", async () => {
    const archive = zipOf({ "zeros.txt": "0".repeat(5000) });
    await expect(unzip(blob(archive), 4999)).rejects.toThrow("too much for an editor");
    // The directory lies about the size.
    const at = archive.indexOf(Buffer.from("PK\x01\x02"));
    archive.writeUInt32LE(10, at + 24);
    await expect(unzip(blob(archive), 4999)).rejects.toThrow("damaged");
  });

  it("takes no links and no paths out of the archive", async () => {
    const linked = mkdtempSync(join(dir, "linked-"));
    symlinkSync("/etc/passwd", join(linked, "link"));
    const py = `import zipfile, sys
z = zipfile.ZipFile(sys.argv[1], "w")
i = zipfile.ZipInfo(sys.argv[2])
i.external_attr = int(sys.argv[3], 8) << 16
z.writestr(i, "x")
z.close()`;
    const odd = (name: string, mode: string) => {
      execFileSync("python3", ["-c", py, join(linked, "odd.zip"), name, mode]);
      return blob(readFileSync(join(linked, "odd.zip")));
    };
    await expect(unpack(odd("link", "120777"))).rejects.toThrow("is a link");
    await expect(unpack(odd("../x", "100644"))).rejects.toThrow("outside");
    expect(await unpack(odd("x", "100644"))).toEqual({ x: "x" });
  });
});

it("drops the folder that all files of an archive are in, and what no artifact needs", async () => {
  const archive = zipOf({ "app/main.py": "1", "app/lib/x.py": "2", "app/.git/config": "3" });
  expect(await filesOf([new File([new Uint8Array(archive)], "app.ZIP")])).toEqual({ "main.py": "1", "lib/x.py": "2" });
});
