/** The real broker, sdk/conformance/broker, as tests drive it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const TOKEN = '0123456789abcdef'.repeat(4);
export const OTHER = 'fedcba9876543210'.repeat(4);
export const CONFORMANCE = fileURLToPath(new URL('../../conformance/', import.meta.url));
export const WORKER = fileURLToPath(new URL('../src/worker.js', import.meta.url));

let program = '';

/** Builds the broker, once a process. */
function built() {
  if (program === '') {
    const directory = mkdtempSync(join(tmpdir(), 'fescue-broker-'));
    process.on('exit', () => rmSync(directory, { recursive: true }));
    program = join(directory, 'broker');
    execFileSync('go', ['build', '-o', program, '.'], { cwd: join(CONFORMANCE, 'broker'), stdio: 'inherit' });
  }
  return program;
}

/** A broker in a process of its own; started again, it has the same addresses. */
export class Broker {
  #dir = mkdtempSync('/tmp/fx'); // a socket's path has 107 bytes at most
  #grants = new Map();
  #process;
  #lines;

  constructor() {
    this.#grants.set('app', { name: 'app', token: TOKEN, subscribe: ['t/#', 'req/#'], publish: ['t/#', 'req/#'] });
  }

  /** Starts one for a test, and stops it after the test. */
  static async for(t) {
    const broker = new Broker();
    await broker.start();
    t.after(() => broker.stop());
    return broker;
  }

  async grant(name, token, { subscribe = [], publish = [] } = {}) {
    this.#grants.set(name, { name, token, subscribe, publish });
    return this.do({ grant: this.#grants.get(name) });
  }

  async start() {
    const options = JSON.stringify({ dir: this.#dir, grants: [...this.#grants.values()] });
    this.#process = spawn(built(), [options], { stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    const first = await this.#lines.next();
    assert(!first.done, 'the broker did not start');
    this.addresses = JSON.parse(first.value);
    this.address = this.addresses.unix;
  }

  /** Gives a command, returns its answer. */
  async do(command) {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const line = await this.#lines.next();
    assert(!line.done, `the broker ended at ${JSON.stringify(command)}`);
    return JSON.parse(line.value);
  }

  /** Calls a function: its result's bytes, or what the broker tells of its failure. */
  async invoke(name, payload = '', { timeout = 10_000, ...attributes } = {}) {
    const event = { name, timeout, attributes: Object.entries(attributes), payload: Buffer.from(payload).toString('base64') };
    const answer = await this.do({ invoke: event });
    return 'error' in answer ? answer : Buffer.from(answer.result ?? '', 'base64');
  }

  async kill() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Ends it in order. */
  async end() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.stdin.end();
      await ended;
    }
  }

  async stop() {
    await this.end();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
