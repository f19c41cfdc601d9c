/**
 * Messages of kept topics: delivered at least once, and read from the past.
 *
 * @module
 */
import * as kept from './kept.js';
import { Message } from './message.js';

/** A message that was kept. */
export class Past extends Message {
  /** @param {{ sequence: number, time: number, topic: string, payload: Buffer }} fields */
  constructor({ sequence, time, topic, payload }) {
    super(topic, payload);
    /** The message's number in its kept topic: it rises, with gaps. */
    this.sequence = sequence;
    /** When it was published. */
    this.time = new Date(time);
  }
}

/** A message that is delivered until it is answered: by `done`, `again` or `reject`. */
export class Delivery extends Past {
  #send;
  #stream;

  /**
   * @internal
   * @param {(frame: Buffer) => void} send
   * @param {{ id: number }} stream
   * @param {ReturnType<typeof kept.readDelivery>} fields
   */
  constructor(send, stream, fields) {
    super(fields);
    this.#send = send;
    this.#stream = stream;
    /** Counts from 1. */
    this.attempt = fields.attempt;
    /** Whether it may have been delivered before. */
    this.maybeBefore = (fields.flags & kept.MAYBE_BEFORE) !== 0;
  }

  /** It is done, and will not come again. */
  done() {
    this.#answer(kept.VERDICT.DONE);
  }

  /**
   * It shall come again, after so many ms; if nothing is said after a time that grows with each attempt.
   *
   * @param {number} [delay]
   */
  again(delay = kept.OWN_DELAY) {
    this.#answer(kept.VERDICT.AGAIN, delay);
  }

  /** It cannot be done: it goes to the dead letter topic at once. */
  reject() {
    this.#answer(kept.VERDICT.REJECTED);
  }

  /** It takes longer: the broker's patience begins anew. */
  stillAtIt() {
    this.#answer(kept.VERDICT.STILL_AT_IT);
  }

  /**
   * @param {number} verdict
   * @param {number} [delay]
   */
  #answer(verdict, delay) {
    this.#send(kept.ack(this.#stream.id, this.sequence, verdict, delay));
  }
}
