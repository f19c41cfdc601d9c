/**
 * Results in parts: what a handler makes piece by piece, as a generator or a stream, is sent while it does.
 *
 * @module
 */
import * as wire from './wire.js';

/**
 * Whether a result, or its body, is to be sent piece by piece.
 *
 * @param {any} result
 */
export function inParts(result) {
  return isParts(result) || (isHead(result) && isParts(result.body));
}

/** @param {any} value */
function isHead(value) {
  return value !== null && typeof value === 'object' && 'statusCode' in value;
}

/** @param {any} value */
function isParts(value) {
  if (value === null || typeof value !== 'object') return false;
  return Symbol.asyncIterator in value || (typeof value.next === 'function' && Symbol.iterator in value);
}

/** One result on its way. */
export class Parts {
  #id;
  #link;
  #signal;
  #credit = wire.WINDOW;
  /** @type {() => void} */
  #wake = () => {};

  /**
   * @param {import('./link.js').Link} link
   * @param {import('./context.js').Context} context
   */
  constructor(link, context) {
    this.#id = context.invocationId;
    this.#link = link;
    this.#signal = context.signal;
    this.#signal.addEventListener('abort', () => this.#wake());
  }

  /**
   * So many bytes more may be sent.
   *
   * @param {number} number
   */
  more(number) {
    this.#credit += number;
    this.#wake();
  }

  /**
   * Sends the parts. Rejects with what their generator throws, and with an AbortError when nobody waits any longer; the
   * generator has ended then.
   *
   * @param {any} result
   * @returns {Promise<void>}
   */
  async send(result) {
    const { body, ...rest } = isParts(result) ? { body: result } : result;
    let head = isParts(result) ? null : wire.part(this.#id, Buffer.from(JSON.stringify(rest)), true);
    const iterator = body[Symbol.asyncIterator]?.() ?? body;
    const stop = () => body.destroy?.(gone()); // a stream that waits for more is not left by its iterator
    this.#signal.addEventListener('abort', stop);
    let done = false;
    try {
      while (!done) {
        const next = await iterator.next();
        done = next.done ?? false;
        if (done) break;
        for (const data of pieces(next.value)) {
          await this.#room(data.length);
          if (head) this.#link.send(head);
          head = null;
          this.#link.send(wire.part(this.#id, data));
          if (this.#link.full) await this.#link.full;
        }
      }
    } finally {
      this.#signal.removeEventListener('abort', stop);
      if (!done) await iterator.return?.();
    }
    if (head) this.#link.send(head);
  }

  /**
   * Resolves when so many bytes may be sent.
   *
   * @param {number} size
   */
  async #room(size) {
    while (this.#credit < size && !this.#signal.aborted) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
    if (this.#signal.aborted) throw gone();
    this.#credit -= size;
  }
}

function gone() {
  return Object.assign(new Error('nobody waits for the result any longer'), { name: 'AbortError' });
}

/**
 * What a generator gave, as data of PARTs.
 *
 * @param {unknown} item
 */
function* pieces(item) {
  const data = typeof item === 'string' ? Buffer.from(item) : item;
  if (!(data instanceof Uint8Array)) throw new TypeError(`a part of the result is a ${typeof item}; yield strings or bytes`);
  for (let at = 0; at < data.length; at += wire.MAX_PART) yield data.subarray(at, at + wire.MAX_PART);
}
