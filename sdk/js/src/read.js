/**
 * Frames of the wire protocol as they arrive: taken out of a stream, and their bodies read.
 *
 * @module
 */
import { Malformed } from './errors.js';
import { TYPE } from './wire.js';

const EXTENSION = 0x80;

/** What a broker may send, and the shortest body of each. */
const FROM_BROKER = new Int16Array(256).fill(-1);
FROM_BROKER[TYPE.WELCOME] = 12;
FROM_BROKER[TYPE.ERROR] = 8;
FROM_BROKER[TYPE.PING] = 0;
FROM_BROKER[TYPE.PONG] = 0;
FROM_BROKER[TYPE.GOODBYE] = 4;
FROM_BROKER[TYPE.OK] = 1;
FROM_BROKER[TYPE.MESSAGE] = 2;
FROM_BROKER[TYPE.CALL] = 10;
FROM_BROKER[TYPE.REPLY] = 0;
FROM_BROKER[TYPE.INVOKE] = 5;
FROM_BROKER[TYPE.CANCEL] = 0;
FROM_BROKER[TYPE.MORE] = 4;
FROM_BROKER[TYPE.DELIVERY] = 22;
FROM_BROKER[TYPE.PAST] = 18;
FROM_BROKER[TYPE.VALUE] = 16;
FROM_BROKER[TYPE.STORED] = 8;
FROM_BROKER[TYPE.CHANGE] = 22;
FROM_BROKER[TYPE.CREDIT] = 4;

/**
 * Takes frames out of a stream that comes in chunks of any size.
 *
 * A body is a view of the chunk and only good until the taker returns: chunks are read
 * into one buffer again and again. A frame that comes in several is gathered aside.
 */
export class Reader {
  /** @type {(type: number, id: number, body: Buffer) => void} */
  #take;
  #header = Buffer.alloc(8);
  #gathered = Buffer.alloc(0); // a frame of which a part has come
  #have = 0; // bytes of that frame

  /** @param {(type: number, id: number, body: Buffer) => void} take is called with each frame */
  constructor(take) {
    this.#take = take;
  }

  /**
   * Takes the next bytes. Throws Malformed for what a broker may not send.
   *
   * @param {Buffer} chunk
   */
  feed(chunk) {
    let at = this.#have > 0 ? this.#gather(chunk) : 0;
    while (chunk.length - at >= 8) {
      const end = at + 8 + (chunk.readUInt32LE(at) & 0xffffff);
      if (end > chunk.length) break;
      this.#frame(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  /**
   * Completes the frame that was begun, as far as the chunk goes; tells how far that was.
   *
   * @param {Buffer} chunk
   */
  #gather(chunk) {
    let at = 0;
    if (this.#have < 8) {
      at = Math.min(8 - this.#have, chunk.length);
      chunk.copy(this.#header, this.#have, 0, at);
      this.#have += at;
      if (this.#have < 8) return at;
      this.#begin();
    }
    const n = Math.min(this.#gathered.length - this.#have, chunk.length - at);
    chunk.copy(this.#gathered, this.#have, at, at + n);
    this.#have += n;
    if (this.#have === this.#gathered.length) {
      const whole = this.#gathered;
      this.#have = 0;
      this.#gathered = this.#header; // a large one is not kept
      this.#frame(whole, 0, whole.length);
    }
    return at + n;
  }

  /** The header is there: makes room for the rest. */
  #begin() {
    this.#gathered = Buffer.allocUnsafe(8 + (this.#header.readUInt32LE(0) & 0xffffff));
    this.#header.copy(this.#gathered);
  }

  /**
   * Keeps the beginning of a frame.
   *
   * @param {Buffer} chunk
   * @param {number} at
   */
  #keep(chunk, at) {
    this.#have = 0;
    this.#gather(chunk.subarray(at));
  }

  /**
   * @param {Buffer} chunk
   * @param {number} at
   * @param {number} end
   */
  #frame(chunk, at, end) {
    const type = chunk[at + 3];
    const least = FROM_BROKER[type];
    if (least < 0) {
      if (type >= EXTENSION) return;
      throw new Malformed(`a frame of type ${hex(type)}`);
    }
    if (end - at - 8 < least) throw new Malformed(`a frame of type ${hex(type)} is too short`);
    this.#take(type, chunk.readUInt32LE(at + 4), chunk.subarray(at + 8, end));
  }
}

/** @param {number} type */
function hex(type) {
  return `0x${type.toString(16).padStart(2, '0')}`;
}

/**
 * Where the text at an offset ends. Throws Malformed if that is outside the body.
 *
 * @param {Buffer} body
 * @param {number} at
 */
export function str16End(body, at) {
  const end = at + 2 <= body.length ? at + 2 + body.readUInt16LE(at) : Infinity;
  if (end > body.length) throw new Malformed('a text is cut off');
  return end;
}

/**
 * @param {Buffer} body
 * @param {number} at where the body must end
 */
export function nothingAfter(body, at) {
  if (at !== body.length) throw new Malformed('a frame has bytes that its type does not define');
}

/**
 * The bytes from an offset on, as a buffer of their own.
 *
 * @param {Buffer} body
 * @param {number} [at]
 */
export function copied(body, at = 0) {
  const payload = Buffer.allocUnsafe(body.length - at);
  body.copy(payload, 0, at);
  return payload;
}

/** @param {Buffer} body */
export function readWelcome(body) {
  const application = str16End(body, 8);
  const device = str16End(body, application);
  nothingAfter(body, device);
  return {
    version: body[0],
    capabilities: body.readUInt16LE(2),
    maxBody: body.readUInt32LE(4),
    application: body.toString('utf8', 10, application),
    device: body.toString('utf8', application + 2, device),
  };
}

/** @param {Buffer} body */
export function readError(body) {
  const topic = str16End(body, 4);
  const text = str16End(body, topic);
  nothingAfter(body, text);
  return {
    code: body.readUInt16LE(0),
    refused: body[2],
    topic: body.toString('utf8', 6, topic),
    text: body.toString('utf8', topic + 2, text),
  };
}

/** @param {Buffer} body */
export function readGoodbye(body) {
  const text = str16End(body, 2);
  nothingAfter(body, text);
  return { code: body.readUInt16LE(0), text: body.toString('utf8', 4, text) };
}

/**
 * The type of the frame that was granted.
 *
 * @param {Buffer} body
 */
export function readOk(body) {
  nothingAfter(body, 1);
  return body[0];
}

/**
 * Topic ("" stands for the filter) and payload.
 *
 * @param {Buffer} body
 */
export function readMessage(body) {
  const topic = str16End(body, 0);
  return { topic: body.toString('utf8', 2, topic), payload: copied(body, topic) };
}

/** @param {Buffer} body */
export function readCall(body) {
  const topic = str16End(body, 8);
  return {
    subscription: body.readUInt32LE(0),
    timeout: body.readUInt32LE(4),
    topic: body.toString('utf8', 10, topic),
    payload: copied(body, topic),
  };
}

/**
 * Time-out in ms, the attributes still packed (see readAttributes), payload.
 *
 * @param {Buffer} body
 */
export function readInvoke(body) {
  let at = 5;
  for (let n = 2 * body[4]; n > 0; n--) at = str16End(body, at);
  const kept = copied(body, 5);
  return { timeout: body.readUInt32LE(0), packed: kept.subarray(0, at - 5), payload: kept.subarray(at - 5) };
}

/**
 * The bytes of MORE.
 *
 * @param {Buffer} body
 */
export function readMore(body) {
  nothingAfter(body, 4);
  return body.readUInt32LE(0);
}

/**
 * The attributes of an INVOKE, as pairs.
 *
 * @param {Buffer} packed
 */
export function readAttributes(packed) {
  /** @type {[string, string][]} */
  const pairs = [];
  for (let at = 0; at < packed.length; ) {
    const name = str16End(packed, at);
    const value = str16End(packed, name);
    pairs.push([packed.toString('utf8', at + 2, name), packed.toString('utf8', name + 2, value)]);
    at = value;
  }
  return pairs;
}
