/**
 * A session with Data Xchange that comes back by itself: link, core, and what waits for them.
 *
 * @module
 */
import { Core } from './core.js';
import { ClientClosed, ConnectionLost, FescueError, Overflow, Unauthenticated, VersionMismatch } from './errors.js';
import { Link, parseAddress } from './link.js';
import * as wire from './wire.js';

const PAUSE = 100; // ms before the first attempt to connect again
const LONGEST_PAUSE = 2000;

/**
 * @typedef {object} Options
 * @property {string} [address] `unix:PATH` or `tcp:HOST:PORT`; FESCUE_EXCHANGE if left out
 * @property {string} [token] FESCUE_TOKEN if left out
 * @property {number} [timeout] ms to wait for an answer of the broker's, and for a lost link to come back; 10000
 * @property {number} [tokenPatience] ms for which a token may be unknown to an agent that has just started; 30000
 * @property {(error: FescueError) => void} [onError] is given the errors that no call waits for; without it they
 *   are thrown by the next call, and dropped messages are reported on stderr
 */

/** @typedef {import('./core.js').Waiter} Waiter */

export class Session {
  core = new Core();
  #where;
  #token;
  #name;
  #tokenPatience;
  #onError;
  /** @type {Link | undefined} a link that has been welcomed */
  #link;
  /** @type {Set<() => void>} woken when there is a link, or there will be none */
  #sleepers = new Set();
  /** @type {Error[]} for the next call */
  #late = [];
  #closing = false;
  /** @type {Error | undefined} */
  #fatal;
  /** @type {Promise<void> | undefined} */
  #reconnecting;
  /** @type {(() => void)[]} */
  #endings = [];

  /**
   * @param {string} name of this client, for people
   * @param {Options} options
   */
  constructor(name, { address, token, timeout = 10_000, tokenPatience = 30_000, onError }) {
    this.#where = parseAddress(address ?? defaultAddress());
    this.#token = token ?? process.env.FESCUE_TOKEN ?? '';
    this.#name = name;
    this.timeout = timeout;
    this.#tokenPatience = tokenPatience;
    this.#onError = onError;
  }

  /** Connects: link, HELLO and WELCOME, and everything that was granted on the link before. */
  async connect() {
    const { core } = this;
    /** @type {(error: Error) => void} */
    let failed = () => {};
    /** @type {() => void} */
    let greeted = () => {};
    const outcome = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      failed = reject;
      greeted = resolve;
    });
    const link = new Link(this.#where, {
      frame: (type, id, body) => {
        core.handle(type, id, body);
        if (this.#link === link) this.#afterFrame(link);
        else if (core.welcomed) {
          this.#adopt(link);
          greeted();
        }
      },
      closed: (error) => {
        failed(core.refusal ?? error);
        this.#lost(link);
      },
    });
    link.send(core.hello(this.#token, this.#name));
    try {
      await within(outcome, this.timeout, () => new ConnectionLost('Data Xchange did not answer HELLO in time'));
    } catch (error) {
      link.destroy();
      throw error;
    }
  }

  /** @param {Link} link */
  #adopt(link) {
    this.#link = link;
    for (const frame of this.core.resume()) link.send(frame);
    this.#wake();
  }

  /** @param {Link} link */
  #afterFrame(link) {
    const { core } = this;
    if (core.outbox.length > 0) {
      for (const frame of core.outbox) link.send(frame);
      core.outbox = [];
    }
    if (core.late.length > 0) {
      const errors = core.late;
      core.late = [];
      for (const error of errors) this.#tell(/** @type {FescueError} */ (error));
    }
  }

  /** @param {FescueError} error */
  #tell(error) {
    if (this.#onError) this.#onError(error);
    else if (error instanceof Overflow) console.error(`fescue: ${error.message}`); // the application's log
    else this.#late.push(error);
  }

  /** @param {Link} link */
  #lost(link) {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.core.lost();
    if (this.#closing) this.#end();
    else this.#reconnecting = this.#reconnect();
  }

  async #reconnect() {
    let refusedSince = 0;
    for (let pause = PAUSE; !this.#closing; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      await this.#sleep(pause);
      if (this.#closing) return;
      try {
        await this.connect();
        return;
      } catch (error) {
        if (error instanceof Unauthenticated || error instanceof VersionMismatch) {
          refusedSince ||= performance.now();
          const patience = error instanceof VersionMismatch ? 0 : this.#tokenPatience;
          if (performance.now() - refusedSince >= patience) return this.#fail(error);
        }
      }
    }
  }

  /** @param {Error} error that ends the session for good */
  #fail(error) {
    this.#fatal = error;
    for (const stream of this.core.streams()) stream.end(error);
    this.#end();
  }

  #end() {
    for (const ending of this.#endings.splice(0)) ending();
    this.#wake();
  }

  #wake() {
    for (const wake of [...this.#sleepers]) wake();
  }

  /**
   * Waits for a change of the link, at most so many ms; whether there was one.
   *
   * @param {number} timeout
   * @returns {Promise<boolean>}
   */
  #sleep(timeout) {
    return new Promise((resolve) => {
      const done = (/** @type {boolean} */ changed) => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve(changed);
      };
      const wake = () => done(true);
      const timer = setTimeout(() => done(false), timeout);
      this.#sleepers.add(wake);
    });
  }

  // Sending.

  /** Throws what happened since the last call and no call was told of. */
  check() {
    this.#checkUsable();
    const error = this.#late.shift();
    if (error) throw error;
  }

  #checkUsable() {
    if (this.#fatal) throw this.#fatal;
    if (this.#closing) throw new ClientClosed('the client is closed');
  }

  /** The link, once there is one. */
  async #needLink() {
    const deadline = performance.now() + this.timeout;
    while (!this.#link) {
      this.#checkUsable();
      const left = deadline - performance.now();
      if (left <= 0) throw new ConnectionLost(`there has been no link to Data Xchange for ${this.timeout / 1000} s`);
      await this.#sleep(left);
    }
    this.#checkUsable();
    return this.#link;
  }

  /**
   * Sends a frame; resolves when there is room for more.
   *
   * @param {Buffer} frame
   */
  async send(frame) {
    const link = this.#link ?? (await this.#needLink());
    link.send(frame);
    if (link.full) await link.full;
  }

  /**
   * Sends a frame if there is a link.
   *
   * @param {Buffer} frame
   */
  post(frame) {
    this.#link?.send(frame);
  }

  /**
   * Sends a frame and waits for its answer, so many ms.
   *
   * @param {string} what for people
   * @param {(waiter: Waiter) => Buffer | undefined} make gives the frame; undefined: nothing is to be sent
   * @param {{ timeout?: number, items?: any[] }} [options]
   * @returns {Promise<any>}
   */
  async ask(what, make, { timeout = this.timeout, items } = {}) {
    this.#checkUsable();
    const link = this.#link ?? (await this.#needLink());
    /** @type {Waiter | undefined} */
    let waiter;
    const answer = new Promise((resolve, reject) => {
      waiter = { resolve, reject, items };
      const frame = make(waiter);
      if (frame) link.send(frame);
    });
    try {
      return await within(answer, timeout, () => new ConnectionLost(`Data Xchange did not answer ${what} within ${timeout / 1000} s`));
    } catch (error) {
      if (waiter) this.core.forget(waiter);
      throw error;
    }
  }

  // The end.

  /** Resolves when the session has ended for good; rejects with what ended it, unless that was `close`. */
  async ended() {
    if (!this.#fatal && !(this.#closing && !this.#link)) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => this.#endings.push(resolve));
    }
    if (this.#fatal) throw this.#fatal;
  }

  /**
   * Says goodbye and waits until the broker has handled everything before it.
   *
   * @param {number} timeout ms
   */
  async close(timeout) {
    if (this.#closing) return;
    this.#closing = true;
    this.#wake();
    const link = this.#link;
    if (link) {
      link.send(wire.goodbye());
      const ended = new Promise((/** @type {(value: void) => void} */ resolve) => this.#endings.push(resolve));
      await within(ended, timeout, () => undefined);
      link.destroy();
    }
    await this.#reconnecting;
    for (const stream of this.core.streams()) stream.end();
    this.#end();
  }
}

/**
 * A promise that is waited for so many ms; then what `late` gives is thrown, if it is anything.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {number} timeout
 * @param {() => Error | undefined} late
 * @returns {Promise<T | undefined>}
 */
function within(promise, timeout, late) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = late();
      if (error) reject(error);
      else resolve(undefined);
    }, timeout);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** FESCUE_EXCHANGE; FescueError if it is not set. */
function defaultAddress() {
  const address = process.env.FESCUE_EXCHANGE;
  if (!address) {
    throw new FescueError('FESCUE_EXCHANGE is not set', {
      hint: 'the agent sets it for the applications it starts: deploy this program with `fescue deploy`',
    });
  }
  return address;
}
