/** The other end of a link, frame by frame, for what the real broker never does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import * as wire from '../src/wire.js';

const { TYPE } = wire;

/** Listens; each accepted connection is a Talk. */
export class Peer {
  #dir = mkdtempSync('/tmp/fp');
  #path = `${this.#dir}/s`;
  #waiting = [];
  #takers = [];
  #server = createServer((socket) => {
    const talk = new Talk(socket);
    const taker = this.#takers.shift();
    if (taker) taker(talk);
    else this.#waiting.push(talk);
  });
  address = `unix:${this.#path}`;

  static async for(t) {
    const peer = new Peer();
    peer.#server.listen(peer.#path);
    await once(peer.#server, 'listening');
    t.after(() => {
      peer.#server.close();
      rmSync(peer.#dir, { recursive: true });
    });
    return peer;
  }

  async accept({ greet = true, ...greeting } = {}) {
    const talk = this.#waiting.shift() ?? (await new Promise((resolve) => this.#takers.push(resolve)));
    if (greet) {
      await talk.expect(TYPE.HELLO);
      talk.send(welcome(greeting));
    }
    return talk;
  }
}

/** One connection, from the broker's side. */
export class Talk {
  #socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  send(...frames) {
    this.#socket.write(Buffer.concat(frames));
  }

  /** Type, id and body of the next frame; null at the end. */
  async next() {
    for (;;) {
      const end = this.#bytes.length < 8 ? Infinity : 8 + this.#bytes.readUIntLE(0, 3);
      if (this.#bytes.length >= end) {
        const found = { type: this.#bytes[3], id: this.#bytes.readUInt32LE(4), body: this.#bytes.subarray(8, end) };
        this.#bytes = this.#bytes.subarray(end);
        return found;
      }
      if (this.#ended) return null;
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  /** Id and body of the next frame, which must be of this type. */
  async expect(type) {
    const found = await this.next();
    assert.equal(found?.type, type, found ? `its body is ${found.body}` : 'the client closed');
    return found;
  }

  /** Takes a frame and answers OK. */
  async grant(type) {
    const found = await this.expect(type);
    this.send(wire.frame(TYPE.OK, found.id, Buffer.from([type])));
    return found;
  }

  close() {
    this.#socket.destroy();
  }
}

const text = (s) => {
  const bytes = Buffer.from(s);
  return [Buffer.from([bytes.length & 0xff, bytes.length >> 8]), bytes];
};

const u32 = (n) => Buffer.from([n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24]);

export function welcome({ maxBody = 1 << 20, capabilities = 7, version = 1 } = {}) {
  const fields = [Buffer.from([version, 0, capabilities, 0]), u32(maxBody)];
  return wire.frame(TYPE.WELCOME, 0, Buffer.concat([...fields, ...text('app'), ...text('dev')]));
}

export function message(id, topic, payload) {
  return wire.frame(TYPE.MESSAGE, id, Buffer.concat([...text(topic), Buffer.from(payload)]));
}

const u64 = (n) => Buffer.concat([u32(n), u32(0)]);

export function delivery(id, sequence, attempt, topic, payload) {
  const fields = Buffer.from([attempt, 0, attempt > 1 ? 1 : 0, 0]);
  return wire.frame(TYPE.DELIVERY, id, Buffer.concat([u64(sequence), u64(1), fields, ...text(topic), Buffer.from(payload)]));
}

export function change(id, kind, key, value) {
  return wire.frame(TYPE.CHANGE, id, Buffer.concat([Buffer.from([kind, 0, 0, 0]), u64(1), u64(1), ...text(key), Buffer.from(value)]));
}

export function invocation(id, payload = '', { timeout = 3000, ...attributes } = {}) {
  const pairs = Object.entries(attributes);
  const head = [u32(timeout), Buffer.from([pairs.length]), ...pairs.flat().flatMap(text)];
  return wire.frame(TYPE.INVOKE, id, Buffer.concat([...head, Buffer.from(payload)]));
}
