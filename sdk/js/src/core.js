/**
 * A session without input or output: what is registered, streamed and awaited.
 *
 * It is given the frames that arrive and gives the frames to send, and it outlives the link: after a
 * reconnection `resume` says everything again.
 *
 * @module
 */
import { BrokerError, ConnectionLost, fromCode, LimitExceeded, Malformed, Overflow, RemoteError, TooLarge } from './errors.js';
import * as kept from './kept.js';
import { Call, Message } from './message.js';
import { copied, readCall, readError, readGoodbye, readMessage, readOk, readWelcome } from './read.js';
import * as wire from './wire.js';

const { TYPE } = wire;
const CAPABILITIES = wire.REQUESTS | wire.LOGS | wire.STATE | wire.DURABLE | wire.HISTORY | wire.CREDITS;

/** Frames whose refusal concerns who sent them, but not a call that waits. */
const UNANSWERED = /** @type {Set<number>} */ (new Set([TYPE.UNREGISTER, TYPE.UNSUBSCRIBE, TYPE.UNWATCH, TYPE.CALL, TYPE.CREDIT, TYPE.ACK]));
/** Those that `resume` sends again on the next link. */
const RESUMED = /** @type {Set<number>} */ (new Set([TYPE.REGISTER, TYPE.SUBSCRIBE, TYPE.CONSUME, TYPE.WATCH]));
/** The refusals after which the broker closes. */
const LAST = new Set(['malformed', 'version', 'unauthenticated', 'going-away', 'internal']);

/**
 * Somebody waits for the answer to one frame.
 *
 * @typedef {object} Waiter
 * @property {(value?: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {any[]} [items] what comes before the answer
 */

/** @typedef {import('./stream.js').Stream<any>} Stream */

/**
 * @param {number} type
 * @param {number} id
 */
function key(type, id) {
  return type * 2 ** 32 + id;
}

export class Core {
  application = '';
  device = '';
  maxBody = 1 << 20;
  capabilities = 0;
  welcomed = false;
  /** @type {Error | undefined} an error after which the broker closes */
  refusal;
  /** @type {Error[]} errors that nobody waits for */
  late = [];
  /** @type {Buffer[]} answers to what has arrived */
  outbox = [];
  /** @type {Map<string, number>} topics with the broker's OK */
  granted = new Map();
  /** @type {Map<string, number>} registered, or about to be */
  #topics = new Map();
  /** @type {Map<number, string>} */
  #names = new Map();
  /** @type {Map<number, Stream>} subscriptions and consumptions */
  #streams = new Map();
  /** @type {Map<number, Stream>} */
  #watches = new Map();
  /** @type {Map<number, Waiter>} */
  #awaited = new Map();
  /** @type {Map<number, Error>} topics by id that were taken away, until a message is known to have been dropped */
  #withdrawn = new Map();
  #ids = 0; // the last of requests, receipts and pings
  #last = 0; // the last of topics, streams and watches

  // What the application asks for; each gives the frame to send.

  /**
   * REGISTER of a topic; joins one that is under way, and is undefined then.
   *
   * @param {string} topic
   * @param {Waiter} waiter
   */
  register(topic, waiter) {
    if (this.granted.has(topic)) {
      waiter.resolve();
      return undefined;
    }
    const running = this.#topics.get(topic);
    if (running !== undefined) {
      this.#join(key(TYPE.REGISTER, running), waiter);
      return undefined;
    }
    const bytes = wire.topicBytes(topic);
    const id = this.#number(this.#names);
    this.#topics.set(topic, id);
    this.#names.set(id, topic);
    this.#awaited.set(key(TYPE.REGISTER, id), waiter);
    return wire.frame(TYPE.REGISTER, id, bytes);
  }

  /**
   * Two who wait for the same answer.
   *
   * @param {number} awaited
   * @param {Waiter} waiter
   */
  #join(awaited, waiter) {
    const first = this.#awaited.get(awaited);
    this.#awaited.set(awaited, {
      resolve: (value) => [first, waiter].forEach((w) => w?.resolve(value)),
      reject: (error) => [first, waiter].forEach((w) => w?.reject(error)),
    });
  }

  /**
   * SUBSCRIBE, CONSUME or WATCH.
   *
   * @param {Stream} stream
   * @param {Waiter} waiter
   */
  open(stream, waiter) {
    const streams = this.#of(stream.type);
    wire.topicBytes(stream.filter);
    stream.id = this.#number(streams);
    streams.set(stream.id, stream);
    this.#awaited.set(key(stream.type, stream.id), waiter);
    return stream.frame(stream.id, this.capabilities);
  }

  /**
   * UNSUBSCRIBE or UNWATCH; undefined if it has ended already.
   *
   * @param {Stream} stream
   * @param {Waiter} waiter
   */
  close(stream, waiter) {
    if (this.#of(stream.type).get(stream.id) !== stream) {
      waiter.resolve();
      return undefined;
    }
    this.#awaited.set(key(stream.endType, stream.id), waiter);
    return wire.frame(stream.endType, stream.id);
  }

  /**
   * A frame that is answered by its id.
   *
   * @param {number} type
   * @param {Waiter} waiter
   * @param {(id: number) => Buffer} make
   */
  ask(type, waiter, make) {
    const id = this.#ids % 0xffffffff + 1;
    const frame = make(id);
    if (frame.length - 8 > this.maxBody) throw new TooLarge(`a frame of ${frame.length - 8} bytes; the broker accepts ${this.maxBody}`);
    this.#ids = id;
    this.#awaited.set(key(type, id), waiter);
    return frame;
  }

  /**
   * Refuses a payload that the broker would not accept.
   *
   * @param {string} topic
   * @param {number} length
   */
  checkSize(topic, length) {
    if (length > this.maxBody) throw new TooLarge(`${length} bytes on ${topic}; the broker accepts ${this.maxBody}`, { topic });
  }

  /**
   * Refuses what the broker of this device cannot do.
   *
   * @param {number} capability
   * @param {string} what
   */
  need(capability, what) {
    if (this.welcomed && !(this.capabilities & capability)) {
      throw new BrokerError(`this device's Data Xchange has no ${what}`, { code: 'unsupported', hint: 'update the agent' });
    }
  }

  /**
   * Nobody waits any longer.
   *
   * @param {Waiter} waiter
   */
  forget(waiter) {
    for (const [k, w] of this.#awaited) if (w === waiter) this.#awaited.delete(k);
  }

  /** @param {number} type */
  #of(type) {
    return type === TYPE.WATCH ? this.#watches : this.#streams;
  }

  /**
   * A free id.
   *
   * @param {Map<number, unknown>} taken
   */
  #number(taken) {
    for (let tries = 0; tries < wire.MAX_ID; tries++) {
      this.#last = (this.#last % wire.MAX_ID) + 1;
      if (!taken.has(this.#last)) return this.#last;
    }
    throw new LimitExceeded(`more than ${wire.MAX_ID} topics, subscriptions or watches`);
  }

  // The link.

  /**
   * HELLO, the first frame on a link.
   *
   * @param {string} token
   * @param {string} name
   */
  hello(token, name) {
    this.welcomed = false;
    this.refusal = undefined;
    this.outbox = [];
    return wire.hello(token, name, CAPABILITIES);
  }

  /** Everything that a new session must be told again. */
  resume() {
    /** @type {Buffer[]} */
    const frames = [...this.#topics].map(([topic, id]) => wire.frame(TYPE.REGISTER, id, Buffer.from(topic)));
    for (const stream of this.streams()) frames.push(stream.frame(stream.id, this.capabilities));
    return frames;
  }

  /** All streams. */
  streams() {
    return [...this.#streams.values(), ...this.#watches.values()];
  }

  /** The link is gone: what was asked on it is answered, what resume says again stays. */
  lost() {
    this.#withdrawn.clear();
    for (const [k, waiter] of [...this.#awaited]) {
      const [type, id] = [Math.floor(k / 2 ** 32), k % 2 ** 32];
      if (RESUMED.has(type)) continue;
      this.#awaited.delete(k);
      if (type === TYPE.UNSUBSCRIBE || type === TYPE.UNWATCH) {
        this.#ended(type, id);
        waiter.resolve();
      } else {
        waiter.reject(new ConnectionLost('the link was lost before the answer came'));
      }
    }
  }

  /**
   * Takes a frame that arrived. Throws Malformed.
   *
   * @param {number} type
   * @param {number} id
   * @param {Buffer} body
   */
  handle(type, id, body) {
    switch (type) {
      case TYPE.MESSAGE:
        return this.#onMessage(id, body);
      case TYPE.OK:
        return this.#onOk(id, readOk(body));
      case TYPE.ERROR:
        return this.#onError(id, readError(body));
      case TYPE.CALL:
        return this.#onCall(id, body);
      case TYPE.REPLY:
        return void this.#resolve(TYPE.REQUEST, id, copied(body));
      case TYPE.PING:
        return void this.outbox.push(wire.frame(TYPE.PONG, id, copied(body)));
      case TYPE.PONG:
        return void this.#resolve(TYPE.PING, id);
      case TYPE.WELCOME:
        return this.#onWelcome(readWelcome(body));
      case TYPE.GOODBYE:
        return this.#onGoodbye(readGoodbye(body));
      default:
        return this.#onKept(type, id, body);
    }
  }

  /**
   * @param {number} type
   * @param {number} id
   * @param {Buffer} body
   */
  #onKept(type, id, body) {
    switch (type) {
      case TYPE.DELIVERY:
        return void this.#streams.get(id)?.push(kept.readDelivery(body));
      case TYPE.CHANGE:
        return this.#onChange(id, kept.readChange(body));
      case TYPE.PAST:
        return void this.#awaited.get(key(TYPE.HISTORY, id))?.items?.push(kept.readPast(body));
      case TYPE.VALUE:
        return void this.#resolve(TYPE.GET, id, kept.readValue(body));
      case TYPE.STORED: {
        const revision = kept.readStored(body);
        return void (this.#resolve(TYPE.PUT, id, revision) || this.#resolve(TYPE.DELETE, id, revision));
      }
      case TYPE.CREDIT:
        return void kept.readCredit(id, body); // this side's links hold a sender back by themselves
      default:
        throw new Malformed('a frame for functions, on the link of a client');
    }
  }

  /**
   * @param {number} id
   * @param {Buffer} body
   */
  #onMessage(id, body) {
    const stream = this.#streams.get(id);
    if (!stream) return;
    const { topic, payload } = readMessage(body);
    this.#push(stream, new Message(topic || stream.filter, payload));
  }

  /**
   * @param {number} id
   * @param {Buffer} body
   */
  #onCall(id, body) {
    const { subscription, timeout, topic, payload } = readCall(body);
    const stream = this.#streams.get(subscription);
    if (stream) this.#push(stream, new Call(topic || stream.filter, payload, id, timeout));
  }

  /**
   * @param {Stream} stream
   * @param {Message} message
   */
  #push(stream, message) {
    if (stream.push(message) || performance.now() < stream.told) return;
    stream.told = performance.now() + 1000;
    const text = `messages on ${stream.filter} come faster than they are taken; some were dropped`;
    this.late.push(new Overflow(text, { topic: stream.filter, code: 'overflow' }));
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof kept.readChange>} change
   */
  #onChange(id, change) {
    const watch = this.#watches.get(id);
    watch?.push(change);
    if (change.kind === 'end' && watch?.once) this.#ended(TYPE.UNWATCH, id);
  }

  /**
   * @param {number} id
   * @param {number} granted
   */
  #onOk(id, granted) {
    const topic = granted === TYPE.REGISTER ? this.#names.get(id) : undefined;
    if (topic !== undefined) this.granted.set(topic, id);
    if (granted === TYPE.UNSUBSCRIBE || granted === TYPE.UNWATCH) this.#ended(granted, id);
    if (granted === TYPE.HISTORY) this.#resolve(granted, id, this.#awaited.get(key(granted, id))?.items);
    else this.#resolve(granted, id);
  }

  /**
   * @param {number} type
   * @param {number} id
   * @param {any} [value]
   */
  #resolve(type, id, value) {
    const waiter = this.#taken(type, id);
    waiter?.resolve(value);
    return waiter !== undefined;
  }

  /**
   * @param {number} type
   * @param {number} id
   * @param {Error} error
   */
  #reject(type, id, error) {
    const waiter = this.#taken(type, id);
    waiter?.reject(error);
    return waiter !== undefined;
  }

  /**
   * @param {number} type
   * @param {number} id
   */
  #taken(type, id) {
    const k = key(type, id);
    const waiter = this.#awaited.get(k);
    if (waiter) this.#awaited.delete(k);
    return waiter;
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof readError>} refusal
   */
  #onError(id, { code, refused, topic, text }) {
    const remote = refused === TYPE.REQUEST && code === wire.CODE.INTERNAL;
    const error = remote ? new RemoteError(text, { topic, code: 'internal' }) : fromCode(code, text, topic);
    if (refused === TYPE.REGISTER) this.#onRegisterError(id, error);
    else if (refused === TYPE.PUBLISH && code === wire.CODE.UNKNOWN_ID) this.#onUnknownTopic(id, error);
    else if (refused === TYPE.SUBSCRIBE || refused === TYPE.CONSUME || refused === TYPE.WATCH) this.#onStreamError(refused, id, error);
    else if (!this.#reject(refused, id, error)) this.#unasked(refused, id, error);
  }

  /**
   * @param {number} id
   * @param {import('./errors.js').FescueError} error
   */
  #onRegisterError(id, error) {
    this.#unregistered(id);
    // If it was taken away: the next publish on the topic registers again and meets the error itself; what was
    // sent before this was read is dropped, and told once.
    if (!this.#reject(TYPE.REGISTER, id, error)) this.#withdrawn.set(id, error);
  }

  /**
   * @param {number} type
   * @param {number} id
   * @param {import('./errors.js').FescueError} error
   */
  #onStreamError(type, id, error) {
    const stream = this.#of(type).get(id);
    if (!stream || error.code === 'overflow' || error.code === 'too-large') {
      this.late.push(error);
      return;
    }
    this.#of(type).delete(id);
    stream.end(error);
    if (!this.#reject(type, id, error) && stream.handler) this.late.push(error);
  }

  /**
   * @param {number} id
   * @param {Error} error
   */
  #onUnknownTopic(id, error) {
    const withdrawn = this.#withdrawn.get(id);
    if (this.#names.has(id)) {
      this.#unregistered(id);
      this.late.push(error);
    } else if (withdrawn) {
      this.#withdrawn.delete(id);
      this.late.push(withdrawn);
    }
  }

  /**
   * @param {number} refused
   * @param {number} id
   * @param {import('./errors.js').FescueError} error
   */
  #unasked(refused, id, error) {
    if (refused === TYPE.HELLO || refused === 0 || (id === 0 && LAST.has(error.code))) this.refusal = error;
    else if (refused < TYPE.REQUEST && !UNANSWERED.has(refused)) this.late.push(error);
  }

  /** @param {number} id */
  #unregistered(id) {
    const topic = this.#names.get(id);
    if (topic === undefined) return;
    this.#names.delete(id);
    this.#topics.delete(topic);
    this.granted.delete(topic);
  }

  /**
   * @param {number} endType
   * @param {number} id
   */
  #ended(endType, id) {
    const streams = endType === TYPE.UNWATCH ? this.#watches : this.#streams;
    streams.get(id)?.end();
    streams.delete(id);
  }

  /** @param {ReturnType<typeof readWelcome>} welcome */
  #onWelcome({ version, ...welcome }) {
    if (version !== wire.VERSION) throw new Malformed(`WELCOME with version ${version}`);
    Object.assign(this, welcome);
    this.welcomed = true;
  }

  /** @param {ReturnType<typeof readGoodbye>} goodbye */
  #onGoodbye({ code, text }) {
    this.refusal = code === wire.CODE.GOING_AWAY || code === 0 ? new ConnectionLost(text || 'the broker said goodbye') : fromCode(code, text);
  }
}
