/**
 * The changes of keys, over lost links.
 *
 * @module
 */
import * as kept from './kept.js';
import { Stream } from './stream.js';
import { TYPE } from './wire.js';

/** @typedef {ReturnType<typeof kept.readChange>} Changed */

/**
 * The stream of a watch. It remembers which keys are there: after a reconnection the broker tells those that are
 * still, and the others are told as deleted.
 *
 * @extends {Stream<Changed>}
 */
class WatchStream extends Stream {
  /** @type {Set<string>} */
  #known = new Set();
  /** Known keys that this link has not told yet. @type {Set<string>} */
  #missing = new Set();

  /** The present keys are told from the beginning. */
  begin() {
    this.#missing = new Set(this.#known);
  }

  /** @param {Changed} change */
  push(change) {
    this.#missing.delete(change.key);
    if (change.kind === 'put') this.#known.add(change.key);
    else if (change.kind === 'end') this.#vanished(change);
    else this.#known.delete(change.key);
    return super.push(change);
  }

  /**
   * Tells of the keys that went while there was no link.
   *
   * @param {Changed} end
   */
  #vanished({ revision, time, value }) {
    for (const key of [...this.#missing].sort()) {
      this.#known.delete(key);
      super.push({ kind: 'deleted', key, revision, time, value });
    }
    this.#missing.clear();
  }
}

/**
 * The stream of a watch that first tells the present keys.
 *
 * @param {string} filter
 */
export function watching(filter) {
  const shape = { type: TYPE.WATCH, endType: TYPE.UNWATCH, filter, room: Infinity };
  /** @type {WatchStream} */
  const stream = new WatchStream(shape, (id) => {
    stream.begin();
    return kept.watch(id, filter, kept.WITH_PRESENT);
  });
  return stream;
}
