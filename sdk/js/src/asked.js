/**
 * What a worker has asked of its broker and waits for.
 *
 * @module
 */
import { Malformed } from './errors.js';
import * as kept from './kept.js';
import { copied } from './read.js';
import { TYPE } from './wire.js';

// Frames that ask: their id is that of the answer.
const ASKING = new Set(/** @type {number[]} */ ([TYPE.PUBLISHTO, TYPE.REQUEST, TYPE.STORE, TYPE.HISTORY, TYPE.GET, TYPE.PUT, TYPE.DELETE, TYPE.WATCH]));
const MAX_ID = 0xffff; // of watches, the smallest there are

/** @typedef {{ resolve: (answer?: any) => void, reject: (error: Error) => void, parts: any[] }} Waiting */

export class Asked {
  #send;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #last = 0;

  /** @param {(frame: Buffer) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Sends a frame with an id, and resolves to its answer.
   *
   * @param {(id: number) => Buffer} make
   * @returns {Promise<any>}
   */
  ask(make) {
    do this.#last = (this.#last % MAX_ID) + 1;
    while (this.#waiting.has(this.#last));
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#send(make(id)); // before anybody waits: what cannot be made rejects
      this.#waiting.set(id, { resolve, reject, parts: [] });
    });
  }

  /**
   * Takes a frame that is an answer or a part of one; tells whether it is.
   *
   * @param {number} type
   * @param {number} id
   * @param {Buffer} body
   */
  frame(type, id, body) {
    switch (type) {
      case TYPE.OK:
        // A watch is answered by what it lists.
        if (body[0] !== TYPE.WATCH) this.#answered(id, this.#waiting.get(id)?.parts);
        return true;
      case TYPE.REPLY:
        this.#answered(id, copied(body));
        return true;
      case TYPE.VALUE:
        this.#answered(id, kept.readValue(body));
        return true;
      case TYPE.STORED:
        this.#answered(id, kept.readStored(body));
        return true;
      case TYPE.PAST:
        this.#waiting.get(id)?.parts.push(kept.readPast(body));
        return true;
      case TYPE.CHANGE:
        this.#listed(id, kept.readChange(body));
        return true;
      default:
        return false;
    }
  }

  /**
   * @param {number} id
   * @param {ReturnType<typeof kept.readChange>} change
   */
  #listed(id, change) {
    const parts = this.#waiting.get(id)?.parts;
    if (!parts) throw new Malformed('CHANGE of a watch that was not asked for');
    if (change.kind === 'end') this.#answered(id, parts);
    else parts.push(change.key);
  }

  /**
   * @param {number} id
   * @param {any} answer
   */
  #answered(id, answer) {
    this.#waiting.get(id)?.resolve(answer);
    this.#waiting.delete(id);
  }

  /**
   * Rejects what a frame of this type and id asked; tells whether somebody waits for it.
   *
   * @param {number} type
   * @param {number} id
   * @param {Error} error
   */
  refused(type, id, error) {
    const waiting = ASKING.has(type) ? this.#waiting.get(id) : undefined;
    this.#waiting.delete(waiting ? id : 0);
    waiting?.reject(error);
    return waiting !== undefined;
  }
}
