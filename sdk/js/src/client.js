/**
 * The client: publish, subscribe, request, respond; kept messages, state and log.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { Past } from './delivery.js';
import { ConnectionLost, RequestTimeout } from './errors.js';
import * as kept from './kept.js';
import { Call, encode, Message } from './message.js';
import { Session } from './session.js';
import { State } from './state.js';
import { consumption, deliveries, responder, Subscription, subscription } from './subscription.js';
import * as wire from './wire.js';

const { TYPE } = wire;

/** @typedef {import('./session.js').Options} Options */
/** @typedef {import('./subscription.js').SubscribeOptions} SubscribeOptions */
/** @typedef {import('./subscription.js').ConsumeOptions} ConsumeOptions */
/** @typedef {import('./delivery.js').Delivery} Delivery */

/**
 * A connection to Data Xchange, made by `connect`.
 *
 * It connects again by itself when the agent restarts, and subscribes and registers anew; what was
 * published by others meanwhile is lost, but for kept topics.
 */
export class Client {
  #session;
  #sender = randomBytes(6).toString('hex');
  #stored = 0;

  /**
   * @internal
   * @param {Session} session
   */
  constructor(session) {
    this.#session = session;
    /** The application's durable store. */
    this.state = new State(session);
  }

  /** The application's name, as the broker knows it. */
  get application() {
    return this.#session.core.application;
  }

  /** The name of the device this runs on. */
  get device() {
    return this.#session.core.device;
  }

  /**
   * Publishes a message; see `encode` for what a payload may be.
   *
   * The first time on a topic it waits for the broker's permission, later ones are sent and forgotten; it resolves
   * when there is room for more. With `confirm` it waits each time until the broker has taken the message.
   * Rejects with PermissionDenied, InvalidTopic, TooLarge, ConnectionLost.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   * @param {{ confirm?: boolean }} [options]
   * @returns {Promise<void>}
   */
  async publish(topic, payload, { confirm = false } = {}) {
    const session = this.#session;
    const { core } = session;
    const data = encode(payload);
    session.check();
    if (confirm) {
      this.#checkSize(topic, 2, data);
      await session.ask('PUBLISHTO', (w) => core.ask(TYPE.PUBLISHTO, w, (id) => wire.publishTo(id, topic, data)));
      return;
    }
    core.checkSize(topic, data.length);
    let id = core.granted.get(topic);
    while (id === undefined) {
      await session.ask('REGISTER', (w) => core.register(topic, w));
      id = core.granted.get(topic);
    }
    await session.send(wire.frame(TYPE.PUBLISH, id, data));
  }

  /**
   * Subscribes to a filter, and waits for the broker's permission. Without a handler, iterate over what it
   * resolves to; a handler is called with one message after the other, and awaited.
   *
   * @overload
   * @param {string} filter
   * @param {SubscribeOptions} [options]
   * @returns {Promise<Subscription<Message>>}
   */
  /**
   * @overload
   * @param {string} filter
   * @param {(message: Message) => unknown} handler
   * @param {SubscribeOptions} [options]
   * @returns {Promise<Subscription<Message>>}
   */
  /**
   * @param {string} filter
   * @param {((message: Message) => unknown) | SubscribeOptions} [handler]
   * @param {SubscribeOptions} [options]
   * @returns {Promise<Subscription<Message>>}
   */
  async subscribe(filter, handler, options) {
    const stream = subscription(this.#session, filter, (typeof handler === 'function' ? options : handler) ?? {});
    if (typeof handler === 'function') stream.handler = handler;
    return this.#open('SUBSCRIBE', stream);
  }

  /**
   * Answers requests on topics: what the handler returns, or resolves to, is the answer. What it throws is told to
   * the requester, and written to stderr. A message that was published without expecting an answer comes to the
   * handler too. Requests are handled as they come, side by side where the handler is asynchronous.
   *
   * @param {string} filter
   * @param {(message: Message) => unknown} handler
   * @param {{ queue?: number }} [options]
   * @returns {Promise<Subscription<Message>>}
   */
  respond(filter, handler, { queue = 0 } = {}) {
    const stream = responder(filter, queue);
    stream.handler = (message) => void this.#answer(handler, message);
    return this.#open('SUBSCRIBE', stream);
  }

  /**
   * @param {(message: Message) => unknown} handler
   * @param {Message} message
   */
  async #answer(handler, message) {
    let reply;
    try {
      const data = encode(await handler(message));
      if (!(message instanceof Call)) return;
      this.#session.core.checkSize(message.topic, data.length);
      reply = wire.frame(TYPE.REPLY, message.id, data);
    } catch (error) {
      console.error(error);
      if (!(message instanceof Call)) return;
      reply = wire.error(message.id, wire.CODE.INTERNAL, TYPE.CALL, message.topic, String(error));
    }
    this.#session.post(reply); // on another link nobody would know the id
  }

  /**
   * Sends a request to whoever answers on the topic, and resolves to the answer; timeout in ms, 10000 if nothing
   * is said. Rejects with NoResponder, RequestTimeout, RemoteError (the responder failed), PermissionDenied.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   * @param {{ timeout?: number }} [options]
   * @returns {Promise<Message>}
   */
  async request(topic, payload, { timeout = 10_000 } = {}) {
    const session = this.#session;
    const data = encode(payload);
    session.check();
    this.#checkSize(topic, 6, data);
    const limit = Math.min(Math.max(1, Math.round(timeout)), 0xffffffff);
    try {
      // The broker watches the time; this side waits a little longer.
      const answer = await session.ask('REQUEST', (w) => session.core.ask(TYPE.REQUEST, w, (id) => wire.request(id, limit, topic, data)), {
        timeout: limit + 1000,
      });
      return new Message(topic, answer);
    } catch (error) {
      if (!(error instanceof RequestTimeout)) throw error;
      throw new RequestTimeout(`no answer on ${topic} within ${limit / 1000} s`, { topic, code: error.code });
    }
  }

  /**
   * Publishes on a kept topic, and resolves once the message is on disk. It is stored once, also if the link is
   * lost on the way and it has to be sent again. Rejects with NotKept, QuotaExceeded, StorageFailed, PermissionDenied.
   *
   * @param {string} topic
   * @param {unknown} [payload]
   * @param {{ id?: string }} [options] the message's id, made here if nothing is said: the same one is stored once within 2 minutes
   * @returns {Promise<void>}
   */
  async store(topic, payload, { id = `${this.#sender}-${(this.#stored += 1)}` } = {}) {
    const session = this.#session;
    const data = encode(payload);
    session.check();
    this.#checkSize(topic, 4 + Buffer.byteLength(id), data);
    const deadline = performance.now() + session.timeout;
    for (;;) {
      try {
        await session.ask('STORE', (w) => {
          session.core.need(wire.DURABLE, 'kept topics');
          return session.core.ask(TYPE.STORE, w, (n) => kept.store(n, id, topic, data));
        });
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost) || performance.now() > deadline) throw error;
      }
    }
  }

  /**
   * Consumes a kept topic at least once, from a place that the broker remembers. Without a handler, iterate over what it
   * resolves to, and answer each delivery. With one, a delivery is done when the handler has returned, and comes again if it throws.
   *
   * @overload
   * @param {string} filter
   * @param {ConsumeOptions} options
   * @returns {Promise<Subscription<Delivery>>}
   */
  /**
   * @overload
   * @param {string} filter
   * @param {(delivery: Delivery) => unknown} handler
   * @param {ConsumeOptions} options
   * @returns {Promise<Subscription<Delivery>>}
   */
  /**
   * @param {string} filter
   * @param {((delivery: Delivery) => unknown) | ConsumeOptions} handler
   * @param {ConsumeOptions} [options]
   * @returns {Promise<Subscription<Delivery>>}
   */
  async consume(filter, handler, options) {
    const given = typeof handler === 'function' ? options : handler;
    if (!given?.place) throw new TypeError('consume needs a place: the name under which the broker remembers what was done');
    const stream = consumption(filter, given);
    const made = deliveries(this.#session, stream);
    if (typeof handler === 'function') stream.handler = (item) => settle(handler, made(item));
    return /** @type {Promise<Subscription<Delivery>>} */ (this.#open('CONSUME', stream, wire.DURABLE, made));
  }

  /**
   * Removes a place, and what it remembers.
   *
   * @param {string} place
   * @returns {Promise<void>}
   */
  async forget(place) {
    const { core } = this.#session;
    await this.#session.ask('FORGET', (w) => {
      core.need(wire.DURABLE, 'kept topics');
      return core.ask(TYPE.FORGET, w, (id) => wire.frame(TYPE.FORGET, id, Buffer.from(place)));
    });
  }

  /**
   * The kept messages of topics that match a filter, oldest first: not before `from`, before `until`, at most `limit`
   * (1000 if nothing is said), of which `newest` takes the newest.
   *
   * @param {string} filter
   * @param {{ from?: Date, until?: Date, limit?: number, newest?: boolean }} [options]
   * @returns {Promise<Past[]>}
   */
  async history(filter, { from, until, limit, newest } = {}) {
    const { core } = this.#session;
    const options = { from: from?.getTime(), until: until?.getTime(), limit, newest };
    const ask = (/** @type {import('./core.js').Waiter} */ w) => {
      core.need(wire.HISTORY, 'history');
      return core.ask(TYPE.HISTORY, w, (id) => kept.history(id, filter, options));
    };
    const found = await this.#session.ask('HISTORY', ask, { items: [] });
    return found.map((/** @type {any} */ fields) => new Past(fields));
  }

  /**
   * Writes a line to the application's log.
   *
   * @param {'debug' | 'info' | 'warning' | 'error'} level
   * @param {string} text
   * @returns {Promise<void>}
   */
  async log(level, text) {
    const frame = wire.log(level, text);
    if (this.#session.core.capabilities & wire.LOGS) await this.#session.send(frame);
    else console.error(`${level}: ${text}`); // what is printed is logged too
  }

  /** Waits until the broker has handled everything sent so far; rejects with errors that came of it. */
  async drain() {
    const { core } = this.#session;
    await this.#session.ask('PING', (w) => core.ask(TYPE.PING, w, (id) => wire.frame(TYPE.PING, id)));
    this.#session.check();
  }

  /**
   * Lets handlers work until SIGTERM or SIGINT, then closes. Rejects with what ended the connection for good, so
   * that the program fails and is started again.
   */
  async run() {
    /** @type {() => void} */
    let stop = () => {};
    const stopped = new Promise((/** @type {(value: void) => void} */ resolve) => (stop = resolve));
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
    try {
      await Promise.race([stopped, this.#session.ended()]);
    } finally {
      await this.close();
      for (const signal of ['SIGTERM', 'SIGINT']) process.off(signal, stop);
    }
  }

  /**
   * Says goodbye, after everything sent before; waits for the broker at most so many ms.
   *
   * @param {{ timeout?: number }} [options]
   */
  async close({ timeout = 1000 } = {}) {
    await this.#session.close(timeout);
  }

  /** Closes it at the end of `await using`. */
  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  /**
   * @param {string} what
   * @param {import('./stream.js').Stream<any>} stream
   * @param {number} [capability]
   * @param {(item: any) => any} [made]
   */
  async #open(what, stream, capability, made) {
    const { core } = this.#session;
    this.#session.check();
    await this.#session.ask(what, (waiter) => {
      if (capability) core.need(capability, 'kept topics');
      return core.open(stream, waiter);
    });
    return new Subscription(this.#session, stream, made);
  }

  /**
   * @param {string} topic
   * @param {number} fields bytes of the body besides topic and payload
   * @param {Uint8Array} data
   */
  #checkSize(topic, fields, data) {
    this.#session.core.checkSize(topic, fields + wire.topicBytes(topic).length + data.length);
  }
}

/**
 * @param {(delivery: Delivery) => unknown} handler
 * @param {Delivery} delivery
 */
async function settle(handler, delivery) {
  try {
    await handler(delivery);
    delivery.done();
  } catch (error) {
    console.error(error);
    delivery.again();
  }
}

/**
 * Connects to the device's Data Xchange.
 *
 * @param {Options} [options]
 * @returns {Promise<Client>}
 */
export async function connect(options = {}) {
  const session = new Session(`fescue-js ${basename(process.argv[1] ?? '')}`, options);
  await session.connect();
  return new Client(session);
}
