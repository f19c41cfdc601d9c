/**
 * Messages, and the one rule by which values become payloads.
 *
 * @module
 */

/**
 * The bytes of a payload.
 *
 * Bytes go as they are, a string as UTF-8, null and undefined as nothing, everything
 * else as compact JSON. What JSON cannot hold is a TypeError.
 *
 * @param {unknown} payload
 * @returns {Uint8Array}
 */
export function encode(payload) {
  if (typeof payload === 'string') return Buffer.from(payload);
  if (payload instanceof Uint8Array) return payload;
  if (payload === undefined || payload === null) return Buffer.alloc(0);
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload);
  const text = JSON.stringify(payload);
  if (text === undefined) throw new TypeError(`a ${typeof payload} is no payload: give bytes, a string, or what JSON can hold`);
  return Buffer.from(text);
}

/** A message on a topic. */
export class Message {
  /**
   * @param {string} topic
   * @param {Buffer} payload
   */
  constructor(topic, payload) {
    /** The name it was published on. */
    this.topic = topic;
    /** Its bytes. */
    this.payload = payload;
  }

  /**
   * The payload as JSON; SyntaxError if it is not.
   *
   * @returns {any}
   */
  json() {
    return JSON.parse(this.payload.toString());
  }

  /** The payload as UTF-8. */
  text() {
    return this.payload.toString();
  }
}

/** A request on its way to this client, which answers it by its id. */
export class Call extends Message {
  /**
   * @param {string} topic
   * @param {Buffer} payload
   * @param {number} id
   * @param {number} timeout ms, 0 is the broker's default
   */
  constructor(topic, payload, id, timeout) {
    super(topic, payload);
    /** @internal */
    this.id = id;
    /** How long the caller waits, in ms; 0 is the broker's default. */
    this.timeout = timeout;
  }
}
