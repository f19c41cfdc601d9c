/**
 * The application's durable store, from keys to values.
 *
 * @module
 */
import * as kept from './kept.js';
import { encode } from './message.js';
import { Stream } from './stream.js';
import { Subscription } from './subscription.js';
import { watching } from './watching.js';
import * as wire from './wire.js';

const { TYPE } = wire;

/** A value of the store. */
export class Value {
  /** @param {{ revision: number, time: number, value: Buffer }} fields */
  constructor({ revision, time, value }) {
    /** The number of the change that made it: it rises throughout the store. */
    this.revision = revision;
    /** When it was written. */
    this.time = new Date(time);
    /** Its bytes. */
    this.value = value;
  }

  /**
   * The value as JSON; SyntaxError if it is not.
   *
   * @returns {any}
   */
  json() {
    return JSON.parse(this.value.toString());
  }

  /** The value as UTF-8. */
  text() {
    return this.value.toString();
  }
}

/** What happened to a key. */
export class Change extends Value {
  /** @param {{ kind: 'put' | 'deleted' | 'expired' | 'end', key: string, revision: number, time: number, value: Buffer }} fields */
  constructor({ kind, key, ...fields }) {
    super(fields);
    /** What happened; `end` says that all present keys have been told. */
    this.kind = kind;
    /** The key, "" for `end`. */
    this.key = key;
  }
}

/** The flags of a watch that lists the keys there are and ends. */
export const LISTING = kept.WITH_PRESENT | kept.ONLY_PRESENT | kept.KEYS_ONLY;

/** The store, as a function's context has it: `context.state`. Values are what `encode` takes. */
export class KeyValue {
  #ask;
  #list;

  /**
   * @internal
   * @param {(what: 'GET' | 'PUT' | 'DELETE', make: (id: number) => Buffer) => Promise<any>} ask sends a frame and gives its answer
   * @param {(filter: string) => Promise<string[]>} list
   */
  constructor(ask, list) {
    this.#ask = ask;
    this.#list = list;
  }

  /**
   * The value of a key; undefined if there is none.
   *
   * @param {string} key
   * @returns {Promise<Value | undefined>}
   */
  async get(key) {
    try {
      return new Value(await this.#ask('GET', (id) => wire.frame(TYPE.GET, id, wire.topicBytes(key))));
    } catch (error) {
      if (/** @type {any} */ (error).code === 'not-found') return undefined;
      throw error;
    }
  }

  /**
   * Writes a key, and resolves to its new revision once that is on disk. With `revision` only if
   * the key still has that one (0: only if there is no such key), else it rejects with Conflict. With `ttl` the
   * key vanishes after so many seconds.
   *
   * @param {string} key
   * @param {unknown} value
   * @param {{ revision?: number, ttl?: number }} [options]
   * @returns {Promise<number>}
   */
  put(key, value, options) {
    const data = encode(value);
    return this.#ask('PUT', (id) => kept.put(id, key, data, options));
  }

  /**
   * Removes a key, which need not be there; `revision` as for `put`.
   *
   * @param {string} key
   * @param {{ revision?: number }} [options]
   * @returns {Promise<void>}
   */
  async delete(key, options) {
    await this.#ask('DELETE', (id) => kept.remove(id, key, options));
  }

  /**
   * The keys that match a filter (as of topics).
   *
   * @param {string} [filter]
   * @returns {Promise<string[]>}
   */
  keys(filter = '#') {
    return this.#list(filter);
  }
}

/** The store, as a client has it: `client.state`. */
export class State extends KeyValue {
  #session;

  /**
   * @internal
   * @param {import('./session.js').Session} session
   */
  constructor(session) {
    const ask = (/** @type {'GET' | 'PUT' | 'DELETE'} */ what, /** @type {(id: number) => Buffer} */ make) =>
      session.ask(what, (waiter) => {
        session.core.need(wire.STATE, 'state');
        return session.core.ask(TYPE[what], waiter, make);
      });
    super(ask, (filter) => this.#list(filter));
    this.#session = session;
  }

  /**
   * The changes of keys that match a filter (as of topics): first the present keys, then a change of kind `end`,
   * then what happens. After a reconnection the present keys are told again, and before the `end`, as deleted, those
   * that were there before and are not.
   *
   * @param {string} [filter]
   * @returns {Promise<Subscription<Change>>}
   */
  async watch(filter = '#') {
    const stream = await this.#open(watching(filter));
    return new Subscription(this.#session, stream, (change) => new Change(change));
  }

  /** @param {string} filter */
  async #list(filter) {
    const shape = { type: TYPE.WATCH, endType: TYPE.UNWATCH, filter, room: Infinity, once: true };
    /** @type {Stream<ReturnType<typeof kept.readChange>>} */
    const stream = await this.#open(new Stream(shape, (id) => kept.watch(id, filter, LISTING)));
    const keys = [];
    for (let change = await stream.next(); change && change.kind !== 'end'; change = await stream.next()) keys.push(change.key);
    return keys;
  }

  /** @param {Stream<ReturnType<typeof kept.readChange>>} stream */
  async #open(stream) {
    const { core } = this.#session;
    await this.#session.ask('WATCH', (waiter) => {
      core.need(wire.STATE, 'state');
      return core.open(stream, waiter);
    });
    return stream;
  }
}
