/**
 * A link: the bytes of frames, to and from Data Xchange, over a stream socket.
 *
 * Frames that are sent in one turn of the event loop are written together.
 *
 * @module
 */
import { Socket } from 'node:net';
import { ConnectionLost, FescueError } from './errors.js';
import { Reader } from './read.js';

const READ = 65536; // bytes read at a time
const BATCH = 65536; // bytes gathered before they are written in any case
const SMALL = 32768; // a batch up to this is copied, so that the large buffer stays

/**
 * @typedef {object} Events
 * @property {(type: number, id: number, body: Buffer) => void} frame is called with each frame; the
 *   body is good only until it returns
 * @property {(error: Error) => void} closed is called once, when the link has ended
 */

export class Link {
  #socket;
  #events;
  #out = Buffer.allocUnsafeSlow(BATCH);
  #length = 0; // bytes gathered in #out
  #scheduled = false;
  #closed = false;
  /** @type {Promise<void> | null} */
  #turn = null; // resolved when there is room again

  /**
   * @param {{ path: string } | { host: string, port: number } | { fd: number }} where
   * @param {Events} events
   */
  constructor(where, events) {
    this.#events = events;
    const reader = new Reader((type, id, body) => events.frame(type, id, body));
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ),
      callback: (/** @type {number} */ n, /** @type {Uint8Array} */ buffer) => this.#read(reader, /** @type {Buffer} */ (buffer).subarray(0, n)),
    };
    // The types know onread for connections only; Node takes it for descriptors too.
    const options = /** @type {object} */ ('fd' in where ? { fd: where.fd, onread } : { onread });
    this.#socket = new Socket(options);
    this.#socket.on('error', (error) => this.#end(new ConnectionLost(reason(error))));
    this.#socket.on('close', () => this.#end(new ConnectionLost('Data Xchange closed the session')));
    if ('fd' in where) this.#socket.resume();
    else this.#socket.setNoDelay(true).connect(where);
  }

  /** Whether the link has ended. */
  get closed() {
    return this.#closed;
  }

  /**
   * @param {Reader} reader
   * @param {Buffer} chunk
   */
  #read(reader, chunk) {
    if (this.#closed) return false;
    try {
      reader.feed(chunk);
    } catch (error) {
      this.#end(/** @type {Error} */ (error));
      return false;
    }
    return true;
  }

  /**
   * Sends a frame, at the end of this turn of the event loop at the latest.
   *
   * @param {Buffer} frame
   */
  send(frame) {
    if (this.#closed) return;
    if (this.#length + frame.length > BATCH) this.flush();
    if (frame.length > BATCH) {
      this.#socket.write(frame);
      return;
    }
    frame.copy(this.#out, this.#length);
    this.#length += frame.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => this.flush());
    }
  }

  /** Writes what has been gathered. */
  flush() {
    this.#scheduled = false;
    if (this.#length === 0 || this.#closed) return;
    const batch = this.#out.subarray(0, this.#length);
    this.#length = 0;
    if (batch.length <= SMALL) {
      this.#socket.write(Buffer.from(batch));
      return;
    }
    this.#socket.write(batch);
    this.#out = Buffer.allocUnsafeSlow(BATCH);
    this.#turn ??= this.#room();
  }

  /**
   * Who sends much waits for this: null while there is room, else it resolves when there is, and
   * in any case after what has arrived was looked at.
   */
  get full() {
    return this.#turn;
  }

  /** @returns {Promise<void>} */
  async #room() {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#socket.writableNeedDrain && !this.#closed) await this.#drained();
    this.#turn = null;
  }

  /** @returns {Promise<void>} */
  #drained() {
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  /**
   * Resolves when everything sent before has been given to the kernel.
   *
   * @returns {Promise<void>}
   */
  written() {
    this.flush();
    return new Promise((resolve) => this.#socket.write('', () => resolve()));
  }

  /** Lets what comes wait in the link. */
  pause() {
    this.#socket.pause();
  }

  /** Reads again after pause. */
  resume() {
    this.#socket.resume();
  }

  /** Gives the link up, at once. */
  destroy() {
    this.#socket.destroy();
  }

  /** @param {Error} error */
  #end(error) {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.closed(error);
  }
}

/** @param {NodeJS.ErrnoException & { address?: string }} error */
function reason(error) {
  return error.syscall === 'connect' ? `connecting to Data Xchange at ${error.address}: ${error.code}` : `the link to Data Xchange: ${error.message}`;
}

/**
 * What an address such as `unix:/run/fescue/exchange.sock` names. Throws FescueError for
 * one that this package has no link for.
 *
 * @param {string} address
 */
export function parseAddress(address) {
  const [, scheme, path] = /^(\w+):(.+)$/.exec(address) ?? [];
  if (scheme === 'unix') return { path };
  const [, host, port] = scheme === 'tcp' ? (/^(.+):(\d+)$/.exec(path) ?? []) : [];
  if (host) return { host, port: Number(port) };
  if (scheme === 'mqueue') {
    throw new FescueError('FESCUE_EXCHANGE names a message queue, which Node.js has no system calls for', {
      hint: 'write `ipc: unix` in fescue.yaml, or leave ipc out',
    });
  }
  throw new FescueError(`FESCUE_EXCHANGE is ${JSON.stringify(address)}`, {
    hint: 'the agent sets it for applications it starts; it is unix:PATH or tcp:HOST:PORT',
  });
}
