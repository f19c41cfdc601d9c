// A real Fescue for tests of the console: the built binary, on a state directory and a
// port of its own.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");
const binary = join(root, "bin/fescue");

export class Fescue {
  readonly state = mkdtempSync(join(tmpdir(), "fescue-console-"));
  url = "";
  device = ""; // the name of the one there is
  private process: ChildProcess | undefined;
  private output = "";

  static async start(): Promise<Fescue> {
    const f = new Fescue();
    await f.up("127.0.0.1:0");
    return f;
  }

  get token() {
    return readFileSync(join(this.state, "server/admin-token"), "utf8").trim();
  }

  private async up(listen: string) {
    const child = spawn(binary, ["up", "--listen", listen], {
      env: { ...process.env, FESCUE_STATE: this.state },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (this.output += text));
    await eventually("the server answers", async () => {
      if (child.exitCode !== null) throw new Error(`fescue up ended: ${this.output}`);
      this.url = readFileSync(join(this.state, "server/url"), "utf8").trim();
      const devices = (await this.get("/v1/devices")).items as { id: string; connected: boolean }[];
      this.device = devices[0]?.id ?? "";
      return devices.some((d) => d.connected);
    });
  }

  // restart ends the server as a crash does, and starts it again on the same port.
  async restart(between: () => Promise<void> = async () => {}) {
    await this.kill("SIGKILL");
    await between();
    await this.up(new URL(this.url).host);
  }

  // at is the address of a place in the console.
  at(path: string) {
    return this.url + path.replace("{device}", this.device);
  }

  run(...args: string[]): string {
    return execFileSync(binary, args, {
      env: { ...process.env, FESCUE_STATE: this.state },
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async get(path: string) {
    const response = await fetch(this.url + path, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  // storeMany stores applications, app-0000 and so on, all of one artifact, without deploying them.
  async storeMany(n: number) {
    const headers = { Authorization: `Bearer ${this.token}` };
    const archive = execFileSync("tar", ["-czf", "-", "-C", root, "LICENSE"]);
    const artifact = await (
      await fetch(this.url + "/v1/artifacts", { method: "POST", headers, body: new Uint8Array(archive) })
    ).json();
    const store = async (i: number) => {
      const text = `name: app-${String(i).padStart(4, "0")}\nversion: 1.0.0\nruntime: native\ncommands:\n  - run: sleep 1000\n`;
      const body = JSON.stringify({ text, artifact: artifact.digest });
      const response = await fetch(this.url + "/v1/configurations", {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body,
      });
      if (!response.ok) throw new Error(`storing ${i}: ${response.status} ${await response.text()}`);
    };
    for (let i = 0; i < n; i += 20) await Promise.all(Array.from({ length: Math.min(20, n - i) }, (_, j) => store(i + j)));
  }

  // storeDevices puts devices edge-000 and so on into the database, which are not connected, and
  // places on them what is stored. It gives the number of a deployment that is on all of them.
  storeDevices(n: number): number {
    const fleet = join(import.meta.dirname, "fleet.py");
    return Number(execFileSync("python3", [fleet, join(this.state, "server/fescue.db"), String(n)], { encoding: "utf8" }));
  }

  async stop() {
    await this.kill("SIGTERM");
    rmSync(this.state, { recursive: true, force: true, maxRetries: 5 });
  }

  private async kill(signal: NodeJS.Signals) {
    const child = this.process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}

// eventually waits until something holds; what it throws meanwhile is told at the end.
export async function eventually(what: string, holds: () => Promise<unknown> | unknown, patience = 60_000) {
  let last: unknown;
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`never came true: ${what}`, { cause: last });
}
