/**
 * Subscriptions: what the application iterates over, and how each is asked for.
 *
 * @module
 */
import { Delivery } from './delivery.js';
import * as kept from './kept.js';
import { DEFAULT_QUEUE, Stream } from './stream.js';
import * as wire from './wire.js';

const { TYPE } = wire;

/**
 * @typedef {object} SubscribeOptions
 * @property {'drop-oldest' | 'drop-newest' | 'block'} [policy] what happens when a full queue gets one more message: the
 *   oldest is dropped (if nothing is said), the new one is, or publishers are held back for up to a second
 * @property {number} [queue] how many messages may wait; 0 or nothing: 1024
 * @property {boolean} [own] false leaves out what this client publishes
 * @property {number} [credit] the broker sends so many messages, and more when `credit` is called
 */

/**
 * @typedef {object} ConsumeOptions
 * @property {string} place the name under which the broker remembers what was acknowledged
 * @property {'new' | 'oldest' | Date} [start] where a new place begins: with what comes from now on (if nothing is said),
 *   with the oldest message kept, or with the first not before a time
 * @property {number} [window] how many messages may be unanswered; 64
 * @property {number} [patience] ms that the broker waits for an answer until it delivers again; 30000
 * @property {number} [attempts] how often a message is delivered at most; without end
 * @property {string} [deadLetter] topic for messages that had their attempts or were rejected
 */

/** @typedef {import('./session.js').Session} Session */

/**
 * Messages, deliveries or changes: `for await (const message of subscription)`. The iteration lasts
 * over reconnections; it ends when the subscription or the client is closed, and throws PermissionDenied if the
 * permission is taken away. Leaving it does not close the subscription.
 *
 * @template T
 */
export class Subscription {
  #session;
  #stream;
  #made;

  /**
   * @internal
   * @param {Session} session
   * @param {Stream<any>} stream
   * @param {(item: any) => T} [made] makes what is handed out of what arrives
   */
  constructor(session, stream, made = (item) => item) {
    this.#session = session;
    this.#stream = stream;
    this.#made = made;
  }

  /**
   * The next one; undefined after the time-out (ms), or when the subscription is closed.
   *
   * @param {{ timeout?: number }} [options]
   * @returns {Promise<T | undefined>}
   */
  async next({ timeout } = {}) {
    const item = await this.#stream.next(timeout);
    return item === undefined ? undefined : this.#made(item);
  }

  /** @returns {AsyncGenerator<T, void, void>} */
  async *[Symbol.asyncIterator]() {
    for (let item = await this.#stream.next(); item !== undefined; item = await this.#stream.next()) yield this.#made(item);
  }

  /**
   * Lets the broker send so many messages more; for subscriptions made with `credit`.
   *
   * @param {number} number
   */
  credit(number) {
    if (!(this.#stream instanceof CreditStream)) throw new TypeError('this subscription was not made with credit');
    if (!Number.isInteger(number) || number < 1) throw new RangeError(`credit of ${number}: it is a number of messages`);
    this.#stream.grant(number);
    this.#session.post(kept.credit(this.#stream.id, number));
  }

  /** Ends it; what has arrived can still be taken. */
  async close() {
    const { core } = this.#session;
    if (this.#stream.ended) return;
    try {
      await this.#session.ask('UNSUBSCRIBE', (waiter) => core.close(this.#stream, waiter));
    } catch (error) {
      this.#stream.end();
      if (/** @type {Error} */ (error).name !== 'ClientClosed') throw error;
    }
  }

  /** Closes it at the end of `await using`. */
  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }
}

/**
 * A stream of messages that the broker sends against credit.
 *
 * @extends {Stream<import('./message.js').Message>}
 */
class CreditStream extends Stream {
  #left = 0; // granted, not yet arrived

  /** @param {number} number */
  grant(number) {
    this.#left += number;
    return number;
  }

  /** What a new session must be granted again. */
  get left() {
    return this.#left;
  }

  /** @param {import('./message.js').Message} message */
  push(message) {
    if (!('id' in message)) this.#left = Math.max(0, this.#left - 1); // requests take no credit
    return super.push(message);
  }
}

/**
 * The stream of a subscription. One with policy `block` is by credit, so that what waits stays in the broker
 * and holds the publishers back.
 *
 * @param {Session} session
 * @param {string} filter
 * @param {SubscribeOptions} options
 */
export function subscription(session, filter, { policy = 'drop-oldest', queue = 0, own = true, credit }) {
  if (!Object.hasOwn(wire.POLICIES, policy)) {
    throw new RangeError(`policy ${JSON.stringify(policy)}: it is one of ${Object.keys(wire.POLICIES).join(', ')}`);
  }
  checkQueue(queue);
  const flags = own ? 0 : wire.FLAG_NOT_OWN;
  const shape = { type: TYPE.SUBSCRIBE, endType: TYPE.UNSUBSCRIBE, filter, room: queue || DEFAULT_QUEUE, dropOldest: policy === 'drop-oldest' };
  const number = wire.POLICIES[policy];
  if (policy !== 'block' && credit === undefined) {
    return new Stream(shape, (id) => wire.subscribe(id, filter, number, flags, queue));
  }
  /** @type {CreditStream} */
  const stream = new CreditStream({ ...shape, room: Infinity }, (id, capabilities) => {
    if (!(capabilities & wire.CREDITS)) return wire.subscribe(id, filter, number, flags, queue);
    const asking = wire.subscribe(id, filter, number, flags | wire.FLAG_CREDIT, queue);
    return stream.left > 0 ? Buffer.concat([asking, kept.credit(id, stream.left)]) : asking;
  });
  if (credit === undefined) grantAsTaken(session, stream, queue || DEFAULT_QUEUE);
  else stream.grant(credit);
  return stream;
}

/**
 * Lets up to `window` messages wait here, by granting anew as they are taken.
 *
 * @param {Session} session
 * @param {CreditStream} stream
 * @param {number} window
 */
function grantAsTaken(session, stream, window) {
  stream.grant(window);
  let taken = 0;
  stream.taken = () => {
    if (++taken < window / 2) return;
    session.post(kept.credit(stream.id, stream.grant(taken)));
    taken = 0;
  };
}

/**
 * The stream of a responder.
 *
 * @param {string} filter
 * @param {number} queue
 */
export function responder(filter, queue) {
  checkQueue(queue);
  const shape = { type: TYPE.SUBSCRIBE, endType: TYPE.UNSUBSCRIBE, filter, room: queue || DEFAULT_QUEUE };
  return new Stream(shape, (id) => wire.subscribe(id, filter, wire.POLICIES['drop-newest'], wire.FLAG_ANSWERS, queue));
}

/**
 * The stream of a kept topic; the broker's window bounds what waits.
 *
 * @param {string} filter
 * @param {ConsumeOptions} options
 */
export function consumption(filter, { place, start = 'new', ...rest }) {
  const from = start instanceof Date ? start.getTime() : 0;
  const options = { ...rest, from, start: start instanceof Date ? kept.START.time : kept.START[start] };
  if (options.start === undefined) throw new RangeError(`start ${JSON.stringify(start)}: it is new, oldest or a Date`);
  const shape = { type: TYPE.CONSUME, endType: TYPE.UNSUBSCRIBE, filter, room: Infinity };
  return new Stream(shape, (id) => kept.consume(id, place, filter, options));
}

/**
 * What is handed out of a kept topic's stream.
 *
 * @param {Session} session
 * @param {Stream<ReturnType<typeof kept.readDelivery>>} stream
 */
export function deliveries(session, stream) {
  return (/** @type {ReturnType<typeof kept.readDelivery>} */ item) => new Delivery((frame) => session.post(frame), stream, item);
}

/** @param {number} queue */
function checkQueue(queue) {
  if (!Number.isInteger(queue) || queue < 0 || queue > 0xffff) {
    throw new RangeError(`queue ${queue}: it is 0 (the default) to 65535 messages`);
  }
}
