/**
 * What keeps arriving under one id: the messages of a subscription, the deliveries of a kept topic, the
 * changes of a watch. A stream outlives the link: after a reconnection its frame is sent again.
 *
 * @module
 */
import { Queue } from './queue.js';

/** How many items may wait where nothing was said. */
export const DEFAULT_QUEUE = 1024;

/**
 * @typedef {object} Shape what a stream is made of
 * @property {number} type of the frame that asks for it
 * @property {number} endType of the frame that ends it
 * @property {string} filter
 * @property {number} room how many items may wait here
 * @property {boolean} [dropOldest] what is dropped when more do: the oldest, or else the new one
 * @property {boolean} [once] whether a watch ends when the present keys have been told
 */

/** @template T */
export class Stream {
  id = 0;
  ended = false;
  told = 0; // when dropping was last told
  /** @type {Error | undefined} */
  error;
  /** Called with each item, one after the other, instead of letting it wait for `next`. */
  /** @type {((item: T) => unknown) | undefined} */
  handler;
  /** Called when an item has been taken. @type {() => void} */
  taken = () => {};
  /** @type {Queue<T>} */
  #waiting = new Queue();
  /** @type {Queue<{ resolve: (item: T | undefined) => void, reject: (error: Error) => void }>} */
  #takers = new Queue();
  #pumping = false;

  /**
   * @param {Shape} shape
   * @param {(id: number, capabilities: number) => Buffer} frame makes the frame that asks for it
   */
  constructor(shape, frame) {
    this.type = shape.type;
    this.endType = shape.endType;
    this.filter = shape.filter;
    this.once = shape.once ?? false;
    this.room = shape.room;
    this.dropOldest = shape.dropOldest ?? false;
    this.frame = frame;
  }

  /** How many items wait. */
  get size() {
    return this.#waiting.size;
  }

  /**
   * An item has arrived. False if that, or an older one, was dropped.
   *
   * @param {T} item
   */
  push(item) {
    const taker = this.#takers.shift();
    if (taker) {
      this.taken();
      taker.resolve(item);
      return true;
    }
    const full = this.#waiting.size >= this.room;
    if (full && !this.dropOldest) return false;
    if (full) this.#waiting.shift();
    this.#waiting.push(item);
    if (this.handler && !this.#pumping) void this.#pump(this.handler);
    return !full;
  }

  /** @param {(item: T) => unknown} handler */
  async #pump(handler) {
    this.#pumping = true;
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      try {
        const result = handler(item);
        if (result instanceof Promise) await result;
      } catch (error) {
        console.error(error); // the application's log
      }
      this.taken();
    }
    this.#pumping = false;
  }

  /**
   * The next item; undefined when the stream has ended, or after the time-out in ms. Rejects with
   * what ended it.
   *
   * @param {number} [timeout]
   * @returns {Promise<T | undefined>}
   */
  next(timeout) {
    const item = this.#waiting.shift();
    if (item !== undefined) {
      this.taken();
      return Promise.resolve(item);
    }
    if (this.error) return Promise.reject(this.error);
    if (this.ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject };
      this.#takers.push(taker);
      if (timeout !== undefined) this.#limit(taker, timeout);
    });
  }

  /**
   * Lets a taker wait no longer than the time-out.
   *
   * @param {{ resolve: (item: T | undefined) => void }} taker
   * @param {number} timeout
   */
  #limit(taker, timeout) {
    const { resolve } = taker;
    const timer = setTimeout(() => {
      this.#forget(taker);
      resolve(undefined);
    }, timeout);
    taker.resolve = (item) => {
      clearTimeout(timer);
      resolve(item);
    };
  }

  /** @param {object} taker */
  #forget(taker) {
    const others = this.#takers;
    this.#takers = new Queue();
    for (let t = others.shift(); t !== undefined; t = others.shift()) if (t !== taker) this.#takers.push(t);
  }

  /**
   * No more items will come; what has arrived can still be taken.
   *
   * @param {Error} [error]
   */
  end(error) {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
    for (let t = this.#takers.shift(); t !== undefined; t = this.#takers.shift()) {
      if (error) t.reject(error);
      else t.resolve(undefined);
    }
  }
}
