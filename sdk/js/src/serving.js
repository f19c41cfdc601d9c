/**
 * Serves the invocations of a function; see worker.js, which is how it is started.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { Asked } from './asked.js';
import { Context } from './context.js';
import { fromCode, RemoteError, TooLarge } from './errors.js';
import { load } from './handler.js';
import { Link } from './link.js';
import { encode } from './message.js';
import { inParts, Parts } from './parts.js';
import { copied, readError, readInvoke, readMore, readWelcome } from './read.js';
import * as wire from './wire.js';

const { TYPE } = wire;
const CAPABILITIES = wire.FUNCTIONS | wire.REQUESTS | wire.LOGS | wire.STATE | wire.DURABLE | wire.HISTORY | wire.PARTS;
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** @typedef {import('./handler.js').Handler} Handler */

export class Worker {
  #link;
  #maxBody = 1 << 20;
  #leaving = false;
  /** @type {Handler} */
  #handler = () => {
    throw new Error('no handler is loaded');
  };
  /** @type {Map<number, Context>} */
  #running = new Map();
  /** @type {Map<number, Parts>} */
  #parts = new Map(); // of results that are under way
  #serial = process.env.FESCUE_CONCURRENCY === '1';
  #turning = false; // the next is about to begin
  /** @type {Map<number, ReturnType<typeof readInvoke>>} */
  #waiting = new Map(); // in order of arrival, where one is handled after the other
  /** @type {Set<string>} */
  #allowed = new Set(); // topics that may be published on
  #asked = new Asked((frame) => this.#link.send(frame));
  /** @type {() => void} */
  #greeted = () => {};
  #welcomed = new Promise((/** @type {(value: void) => void} */ resolve) => (this.#greeted = resolve));

  /** @param {number} fd */
  constructor(fd) {
    this.#link = new Link(
      { fd },
      {
        frame: (type, id, body) => this.#frame(type, id, body),
        closed: (error) => {
          if (error.name === 'Malformed') console.error(`fescue: ${error.message}`);
          process.exit(1); // nobody is there any more
        },
      },
    );
  }

  /**
   * Says HELLO, loads the handler and says READY; from then on it serves.
   *
   * @param {string} name
   */
  async start(name) {
    const capabilities = this.#serial ? CAPABILITIES | wire.QUEUES : CAPABILITIES;
    this.#link.send(wire.hello('', process.env.FESCUE_APPLICATION ?? '', capabilities));
    this.#link.flush();
    try {
      this.#handler = await load(name, process.cwd());
    } catch (error) {
      this.#cannotStart(error);
      return;
    }
    this.#link.send(wire.frame(TYPE.READY, 0));
  }

  /**
   * Says why, and ends when the broker has greeted: one whose WELCOME finds the link closed may not read on.
   *
   * @param {unknown} error
   */
  #cannotStart(error) {
    this.#link.send(describe(0, error));
    this.#link.flush();
    this.#welcomed.then(() => process.exit(1));
  }

  /**
   * @param {number} type
   * @param {number} id
   * @param {Buffer} body
   */
  #frame(type, id, body) {
    switch (type) {
      case TYPE.INVOKE:
        this.#take(id, readInvoke(body));
        break;
      case TYPE.CANCEL:
        this.#cancel(id);
        break;
      case TYPE.MORE:
        this.#parts.get(id)?.more(readMore(body));
        break;
      case TYPE.PING:
        this.#link.send(wire.frame(TYPE.PONG, id, copied(body)));
        break;
      case TYPE.ERROR:
        this.#refused(id, readError(body));
        break;
      case TYPE.WELCOME:
        this.#maxBody = readWelcome(body).maxBody;
        this.#greeted();
        break;
      case TYPE.GOODBYE:
        this.#leaving = true;
        this.#leave();
        break;
      default:
        this.#asked.frame(type, id, body);
    }
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof readInvoke>} invoke
   */
  #invoke(id, invoke) {
    const context = new Context(this, id, invoke);
    this.#running.set(id, context);
    try {
      const result = this.#call(context);
      if (isThenable(result)) {
        result.then(
          (value) => this.#finish(context, value),
          (error) => this.#answer(id, failure(context, error)),
        );
        return;
      }
      this.#finish(context, result);
    } catch (error) {
      this.#answer(id, failure(context, error));
    }
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof readInvoke>} invoke
   */
  #take(id, invoke) {
    if (this.#serial && (this.#running.size > 0 || this.#turning)) this.#waiting.set(id, invoke);
    else this.#invoke(id, invoke);
  }

  /** @param {number} id */
  #cancel(id) {
    if (this.#waiting.delete(id)) this.#answer(id, wire.failure(id, 'Cancelled', 'it was cancelled before it began', ''));
    else this.#running.get(id)?.cancel();
  }

  /**
   * Calls the handler; one that declares a third parameter is given AWS Lambda's callback.
   *
   * @param {Context} context
   */
  #call(context) {
    const handler = this.#handler;
    if (handler.length < 3) return handler(context.event(), context);
    return new Promise((resolve, reject) => {
      const result = handler(context.event(), context, (error, value) => (error ? reject(error) : resolve(value)));
      if (isThenable(result)) result.then(resolve, reject);
    });
  }

  /**
   * Answers with what the handler returned.
   *
   * @param {Context} context
   * @param {unknown} value
   */
  #finish(context, value) {
    const id = context.invocationId;
    if (!inParts(value)) {
      this.#answer(id, this.#result(id, value));
      return;
    }
    const parts = new Parts(this.#link, context);
    this.#parts.set(id, parts);
    parts.send(value).then(
      () => this.#answer(id, wire.frame(TYPE.RESULT, id)),
      (error) => this.#answer(id, failure(context, error)),
    );
  }

  /**
   * RESULT, or FAILURE if what the handler returned cannot be sent.
   *
   * @param {number} id
   * @param {unknown} value
   */
  #result(id, value) {
    /** @type {Uint8Array} */
    let body;
    try {
      body = encode(value);
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      return wire.failure(id, name, `what the handler returned cannot be sent: ${message}`, '');
    }
    if (body.length > this.#maxBody) {
      return wire.failure(id, 'TooLarge', `the handler returned ${body.length} bytes, the broker accepts ${this.#maxBody}`, '');
    }
    return wire.frame(TYPE.RESULT, id, body);
  }

  /**
   * @param {number} id
   * @param {Buffer} frame
   */
  #answer(id, frame) {
    this.#running.delete(id);
    this.#parts.delete(id);
    this.#link.send(frame);
    this.#next();
    if (this.#leaving) this.#leave();
  }

  /** Begins the one that has waited longest, if none is under way. */
  #next() {
    if (this.#running.size > 0 || this.#waiting.size === 0 || this.#turning) return;
    this.#turning = true;
    this.#link.flush(); // the answer of the one before, so the broker knows which has begun
    const begin = () => {
      this.#turning = false;
      const [first] = this.#waiting;
      if (!first) return;
      this.#waiting.delete(first[0]);
      this.#invoke(...first);
    };
    setImmediate(() => setImmediate(begin)); // what has come is read in between: it may have been cancelled
  }

  /** Ends the process when everything is answered and written. */
  #leave() {
    if (this.#running.size > 0 || this.#waiting.size > 0) return;
    this.#link.flush();
    this.#link.written().then(() => process.exit(0));
  }

  /**
   * Nobody caught an error: what runs is answered with it, and the process ends, as its state is unknown.
   *
   * @param {unknown} error
   */
  crash(error) {
    console.error(error);
    for (const id of this.#running.keys()) this.#link.send(describe(id, error));
    this.#link.flush();
    this.#link.written().then(() => process.exit(1));
  }

  // What a context can do.

  /**
   * @param {string} topic
   * @param {unknown} payload
   */
  async publish(topic, payload) {
    const data = this.fitting(topic, payload, 2);
    if (this.#allowed.has(topic)) {
      this.#link.send(wire.publishTo(0, topic, data));
      return this.#link.full ?? undefined;
    }
    await this.ask((receipt) => wire.publishTo(receipt, topic, data));
    this.#allowed.add(topic);
  }

  /**
   * A payload's bytes, if the broker accepts them.
   *
   * @param {string} topic
   * @param {unknown} payload
   * @param {number} fields bytes of the body besides topic and payload
   */
  fitting(topic, payload, fields) {
    const data = encode(payload);
    if (fields + wire.topicBytes(topic).length + data.length > this.#maxBody) {
      throw new TooLarge(`${data.length} bytes on ${topic}; the broker accepts ${this.#maxBody}`, { topic });
    }
    return data;
  }

  /**
   * Sends a frame with an id, and resolves to its answer.
   *
   * @param {(id: number) => Buffer} make
   * @returns {Promise<any>}
   */
  ask(make) {
    return this.#asked.ask(make);
  }

  /**
   * @param {string} level
   * @param {string} text
   */
  log(level, text) {
    this.#link.send(wire.log(level, text));
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof readError>} refusal
   */
  #refused(id, { code, refused, topic, text }) {
    const remote = refused === TYPE.REQUEST && code === wire.CODE.INTERNAL;
    const error = remote ? new RemoteError(text, { topic, code: 'internal' }) : fromCode(code, text, topic);
    if (refused === TYPE.PUBLISHTO) this.#allowed.delete(topic); // the next one asks again
    if (this.#asked.refused(refused, id, error)) return;
    console.error(`fescue: ${error.message}`);
  }
}

/**
 * @param {unknown} value
 * @returns {value is PromiseLike<unknown>}
 */
function isThenable(value) {
  return value !== null && typeof value === 'object' && typeof (/** @type {any} */ (value).then) === 'function';
}

/**
 * A FAILURE of a handler; one that ended because it was cancelled says so.
 *
 * @param {Context} context
 * @param {any} error
 */
function failure(context, error) {
  const id = context.invocationId;
  return context.signal.aborted && error?.name === 'AbortError' ? wire.failure(id, 'Cancelled', error.message, '') : describe(id, error);
}

/**
 * A FAILURE: type, message, and the stack without this package's own frames.
 *
 * @param {number} id
 * @param {unknown} error
 */
export function describe(id, error) {
  if (!(error instanceof Error)) return wire.failure(id, 'Error', String(error), '');
  return wire.failure(id, error.name, error.message, stackOf(error));
}

/**
 * @param {Error} error
 * @returns {string}
 */
function stackOf(error) {
  const lines = (error.stack ?? `${error}`).split('\n');
  const stack = lines.filter((line) => !line.includes(HERE) && !/^\s+at .*\(?node:internal/.test(line)).join('\n');
  return error.cause instanceof Error ? `${stack}\nCaused by: ${stackOf(error.cause)}` : stack;
}
