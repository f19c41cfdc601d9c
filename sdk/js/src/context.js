/**
 * What a handler is given, and how the event is made of the payload.
 *
 * @module
 */
import { Past } from './delivery.js';
import * as kept from './kept.js';
import { Message } from './message.js';
import { readAttributes } from './read.js';
import { KeyValue, LISTING } from './state.js';
import { openUpload } from './upload.js';
import * as wire from './wire.js';

/**
 * The worker, as a context uses it.
 *
 * @typedef {object} Host
 * @property {(topic: string, payload: unknown) => Promise<void>} publish
 * @property {(topic: string, payload: unknown, fields: number) => Uint8Array} fitting
 * @property {(make: (id: number) => Buffer) => Promise<any>} ask
 * @property {(level: string, text: string) => void} log
 */

const NO_LIMIT = 0x7fffffff;
const NOT_JSON = Symbol('not JSON');
// Only these bytes begin JSON: most payloads that are not JSON never get to the parser.
const JSON_BEGINS = new Set(Buffer.from('{["-0123456789tfn \t\r\n'));

/**
 * Who called the handler, with what, and for how long; and what it can do besides returning. Has the
 * names of AWS Lambda's context too.
 */
export class Context {
  #host;
  #packed;
  #deadline;
  /** @type {Record<string, string> | undefined} */
  #attributes;
  /** @type {AbortController | undefined} */
  #abort;
  #cancelled = false;

  /**
   * @param {Host} host
   * @param {number} invocationId
   * @param {{ timeout: number, packed: Buffer, payload: Buffer }} invoke
   */
  constructor(host, invocationId, { timeout, packed, payload }) {
    this.#host = host;
    this.#packed = packed;
    this.#deadline = timeout ? performance.now() + timeout : 0;
    /** The number of this invocation, as the broker knows it. */
    this.invocationId = invocationId;
    /** The event's bytes, whatever `event` was made of them. */
    this.payload = payload;
    /** As in AWS Lambda; without effect: an answer is sent when the handler gives it. */
    this.callbackWaitsForEmptyEventLoop = true;
  }

  /** The event's attributes by CloudEvents' names; see also the properties below. */
  get attributes() {
    return (this.#attributes ??= Object.fromEntries(readAttributes(this.#packed)));
  }

  /** The event's id; unique together with `source`. */
  get id() {
    return this.attributes.id ?? '';
  }

  /** Where the event comes from. */
  get source() {
    return this.attributes.source ?? '';
  }

  /** What kind of event it is. */
  get type() {
    return this.attributes.type ?? '';
  }

  /** When it happened, RFC 3339. */
  get time() {
    return this.attributes.time ?? '';
  }

  /** What it is about: the topic, for a message. */
  get subject() {
    return this.attributes.subject ?? '';
  }

  /** The topic the message came on, or "" if no message called the handler. */
  get topic() {
    return this.subject;
  }

  /** The application's name. */
  get application() {
    return process.env.FESCUE_APPLICATION ?? '';
  }

  /** The application's version. */
  get version() {
    return process.env.FESCUE_VERSION ?? '';
  }

  /** The name of the device this runs on. */
  get device() {
    return process.env.FESCUE_DEVICE ?? '';
  }

  /** As in AWS Lambda: the event's id, or the invocation's number if it has none. */
  get awsRequestId() {
    return this.id || String(this.invocationId);
  }

  /** As in AWS Lambda: the application's name. */
  get functionName() {
    return this.application;
  }

  /** As in AWS Lambda: the application's version. */
  get functionVersion() {
    return this.version;
  }

  /** Milliseconds until the time is up, 0 if it is; without a limit 2147483647. */
  getRemainingTimeInMillis() {
    if (!this.#deadline) return NO_LIMIT;
    return Math.max(0, Math.trunc(this.#deadline - performance.now()));
  }

  /** Is aborted when the caller gives up, so that `fetch` and others can stop too. */
  get signal() {
    this.#abort ??= new AbortController();
    if (this.#cancelled) this.#abort.abort();
    return this.#abort.signal;
  }

  /** @internal */
  cancel() {
    this.#cancelled = true;
    this.#abort?.abort();
  }

  /**
   * Publishes a message; the payload as in `encode`. Rejects with PermissionDenied, InvalidTopic or
   * TooLarge: the first time on a topic it waits for the broker's permission.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   */
  publish(topic, payload) {
    return this.#host.publish(topic, payload);
  }

  /**
   * Calls another function of this device, and resolves to what it returned: the value if that is JSON, bytes
   * otherwise, null for nothing. The configuration grants it: `resources: {invoke: [function]}`. Rejects with
   * PermissionDenied, RemoteError (it failed), RequestTimeout.
   *
   * @param {string} name
   * @param {unknown} [payload]
   * @param {{ timeout?: number }} [options] in ms; 30000 if nothing is said
   * @returns {Promise<any>}
   */
  async invoke(name, payload, { timeout = 30_000 } = {}) {
    const result = await this.#ask(`$fescue/invoke/${name}`, payload, timeout);
    const value = fromJson(result);
    if (value !== NOT_JSON) return value;
    return result.length > 0 ? result : null;
  }

  /**
   * Asks whoever answers on a topic. Rejects with NoResponder (at once), RequestTimeout, RemoteError (the responder
   * failed), PermissionDenied.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   * @param {{ timeout?: number }} [options] in ms; 10000 if nothing is said
   * @returns {Promise<Message>}
   */
  async request(topic, payload, { timeout = 10_000 } = {}) {
    return new Message(topic, await this.#ask(topic, payload, timeout));
  }

  /**
   * @param {string} topic
   * @param {unknown} payload
   * @param {number} timeout ms
   * @returns {Promise<Buffer>}
   */
  async #ask(topic, payload, timeout) {
    const data = this.#host.fitting(topic, payload, 6);
    const limit = Math.min(Math.max(1, Math.round(timeout)), 0xffffffff);
    return this.#host.ask((id) => wire.request(id, limit, topic, data));
  }

  /**
   * Publishes on a kept topic, and resolves once the message is on disk. Rejects with NotKept, QuotaExceeded, StorageFailed,
   * PermissionDenied.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   * @returns {Promise<void>}
   */
  async store(topic, payload) {
    const data = this.#host.fitting(topic, payload, 4);
    await this.#host.ask((id) => kept.store(id, '', topic, data)); // a worker's link is not made anew: nothing is sent twice
  }

  /**
   * Kept messages of the past, in order of their arrival; `limit` is 1000 if nothing is said. Where there are more, the oldest, or with `newest`
   * the newest. Rejects with NotKept, PermissionDenied.
   *
   * @param {string} filter
   * @param {{ from?: Date, until?: Date, limit?: number, newest?: boolean }} [options]
   * @returns {Promise<Past[]>}
   */
  async history(filter, { from, until, limit, newest } = {}) {
    const options = { from: from?.getTime(), until: until?.getTime(), limit, newest };
    const found = await this.#host.ask((id) => kept.history(id, filter, options));
    return found.map((/** @type {any} */ fields) => new Past(fields));
  }

  /** What the application keeps on its device, over restarts and versions: keys and values. */
  get state() {
    const host = this.#host;
    return new KeyValue(
      (_, make) => host.ask(make),
      (filter) => host.ask((id) => kept.watch(id, filter, LISTING)),
    );
  }

  /**
   * Writes a line to the application's log.
   *
   * @param {'debug' | 'info' | 'warning' | 'error'} level
   * @param {string} text
   */
  log(level, text) {
    this.#host.log(level, text);
  }

  /**
   * The payload as the handler's first argument: the one rule for it.
   *
   * With the attribute `datacontenttype`: JSON if that says so (bytes if it is not JSON after all), a
   * string for `text/…`, bytes for any other type. Without it: null for no bytes at all, the
   * value if all of it is JSON, bytes otherwise. An HTTP request whose body is streamed (`body: stream`) is a
   * Readable, which ends with an error if the sender does not send all of it.
   *
   * @internal
   * @returns {any}
   */
  event() {
    if (this.#packed.includes('httpstream') && this.attributes.httpstream) return openUpload(this.attributes.httpstream);
    const kind = this.#contentType();
    if (kind.startsWith('text/')) return this.payload.toString();
    if (kind && kind !== 'application/json' && !kind.endsWith('+json')) return this.payload;
    const value = fromJson(this.payload);
    if (value !== NOT_JSON) return value;
    return this.payload.length > 0 ? this.payload : null;
  }

  #contentType() {
    if (!this.#packed.includes('datacontenttype')) return '';
    return (this.attributes.datacontenttype ?? '').split(';', 1)[0].trim().toLowerCase();
  }
}

/** @param {Buffer} payload */
function fromJson(payload) {
  if (!JSON_BEGINS.has(payload[0])) return NOT_JSON;
  const text = payload.toString();
  if (text.includes('\ufffd') && !isUtf8(payload)) return NOT_JSON;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

/** @param {Buffer} bytes */
function isUtf8(bytes) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
