/**
 * Frames of the wire protocol (sdk/protocol.md): made and read.
 *
 * A frame is a header of 8 bytes and a body. The header's 24-bit length and 8-bit
 * type are one 32-bit number, `length | type << 24`.
 *
 * @module
 */
import { InvalidTopic } from './errors.js';

export const VERSION = 1;
export const MAX_LENGTH = 0xffffff;
export const MAX_ID = 0xffff;

/** Frame types. */
export const TYPE = Object.freeze({
  HELLO: 0x01,
  WELCOME: 0x02,
  ERROR: 0x03,
  PING: 0x04,
  PONG: 0x05,
  GOODBYE: 0x06,
  OK: 0x07,
  REGISTER: 0x10,
  UNREGISTER: 0x11,
  SUBSCRIBE: 0x12,
  UNSUBSCRIBE: 0x13,
  CONSUME: 0x14,
  FORGET: 0x15,
  PUBLISH: 0x20,
  PUBLISHTO: 0x21,
  MESSAGE: 0x22,
  REQUEST: 0x23,
  CALL: 0x24,
  REPLY: 0x25,
  STORE: 0x26,
  DELIVERY: 0x27,
  ACK: 0x28,
  HISTORY: 0x29,
  PAST: 0x2a,
  READY: 0x30,
  INVOKE: 0x31,
  RESULT: 0x32,
  FAILURE: 0x33,
  CANCEL: 0x34,
  PART: 0x35,
  MORE: 0x36,
  LOG: 0x40,
  GET: 0x48,
  PUT: 0x49,
  DELETE: 0x4a,
  WATCH: 0x4b,
  UNWATCH: 0x4c,
  VALUE: 0x4d,
  STORED: 0x4e,
  CHANGE: 0x4f,
  CREDIT: 0x60,
});

/** Capabilities. */
export const REQUESTS = 1;
export const FUNCTIONS = 2;
export const LOGS = 4;
export const STATE = 8;
export const DURABLE = 16;
export const HISTORY = 32;
export const CREDITS = 64;
export const QUEUES = 256;
export const PARTS = 512;

/** Of results in parts: most data of a PART, and how much may be sent before MORE. */
export const MAX_PART = 65536;
export const WINDOW = 262144;

/** Error codes that this side sends or tells apart. */
export const CODE = Object.freeze({ UNKNOWN_ID: 7, GOING_AWAY: 14, INTERNAL: 15 });

/** What the broker does when a subscription's queue is full. */
export const POLICIES = Object.freeze({ 'drop-oldest': 0, 'drop-newest': 1, block: 2 });
export const FLAG_ANSWERS = 1;
export const FLAG_NOT_OWN = 2;
export const FLAG_CREDIT = 4;

export const LEVELS = Object.freeze({ debug: 0, info: 1, warning: 2, error: 3 });

const NOTHING = Buffer.alloc(0);

/**
 * A frame with room for its body, which begins at 8.
 *
 * @param {number} type
 * @param {number} id
 * @param {number} length
 */
function open(type, id, length) {
  const frame = Buffer.allocUnsafe(8 + length);
  frame.writeUInt32LE((length | (type << 24)) >>> 0, 0);
  frame.writeUInt32LE(id, 4);
  return frame;
}

/**
 * A whole frame.
 *
 * @param {number} type
 * @param {number} id
 * @param {Uint8Array} [body]
 */
export function frame(type, id, body = NOTHING) {
  const made = open(type, id, body.length);
  made.set(body, 8);
  return made;
}

/**
 * A frame whose body is made of parts.
 *
 * @param {number} type
 * @param {number} id
 * @param {...Uint8Array} parts
 */
export function joined(type, id, ...parts) {
  let at = 8;
  const made = open(type, id, parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** @param {string} text */
export function str16(text) {
  const bytes = cut(Buffer.from(text), 0xffff);
  const made = Buffer.allocUnsafe(2 + bytes.length);
  made.writeUInt16LE(bytes.length);
  made.set(bytes, 2);
  return made;
}

/**
 * The first bytes of a text, as many as are whole characters.
 *
 * @param {Buffer} text
 * @param {number} most
 */
function cut(text, most) {
  if (text.length <= most) return text;
  let end = most;
  while ((text[end] & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}

/**
 * HELLO; maxBody is the largest body that this side accepts, in bytes.
 *
 * @param {string} token
 * @param {string} name
 * @param {number} capabilities
 * @param {number} [maxBody]
 * @param {number} [lowest]
 * @param {number} [highest]
 */
export function hello(token, name, capabilities, maxBody = MAX_LENGTH, lowest = VERSION, highest = VERSION) {
  const fields = Buffer.allocUnsafe(8);
  fields[0] = lowest;
  fields[1] = highest;
  fields.writeUInt16LE(capabilities, 2);
  fields.writeUInt32LE(maxBody, 4);
  return joined(TYPE.HELLO, 0, fields, str16(token), str16(name));
}

/**
 * ERROR about the frame of type `refused`.
 *
 * @param {number} id
 * @param {number} code
 * @param {number} refused
 * @param {string} topic
 * @param {string} text
 */
export function error(id, code, refused, topic, text) {
  return joined(TYPE.ERROR, id, Buffer.from([code & 0xff, code >> 8, refused, 0]), str16(topic), str16(text));
}

/**
 * GOODBYE.
 *
 * @param {number} [code]
 * @param {string} [text]
 */
export function goodbye(code = 0, text = '') {
  return joined(TYPE.GOODBYE, 0, Buffer.from([code & 0xff, code >> 8]), str16(text));
}

/**
 * SUBSCRIBE; queue is in messages, 0 for the broker's default.
 *
 * @param {number} id
 * @param {string} filter
 * @param {number} policy
 * @param {number} flags
 * @param {number} queue
 */
export function subscribe(id, filter, policy, flags, queue) {
  return joined(TYPE.SUBSCRIBE, id, Buffer.from([policy, flags, queue & 0xff, queue >> 8]), Buffer.from(filter));
}

/**
 * PUBLISHTO; with a receipt other than 0 it is answered.
 *
 * @param {number} receipt
 * @param {string} topic
 * @param {Uint8Array} payload
 */
export function publishTo(receipt, topic, payload) {
  return joined(TYPE.PUBLISHTO, receipt, str16(topic), payload);
}

/**
 * REQUEST; the time-out in ms.
 *
 * @param {number} id
 * @param {number} timeout
 * @param {string} topic
 * @param {Uint8Array} payload
 */
export function request(id, timeout, topic, payload) {
  const limit = Buffer.allocUnsafe(4);
  limit.writeUInt32LE(timeout);
  return joined(TYPE.REQUEST, id, limit, str16(topic), payload);
}

/**
 * PART: a piece of a result.
 *
 * @param {number} id
 * @param {Uint8Array} data
 * @param {boolean} [head]
 */
export function part(id, data, head = false) {
  return joined(TYPE.PART, id, Buffer.of(head ? 1 : 0), data);
}

/**
 * FAILURE; each text is cut to what its field holds.
 *
 * @param {number} id
 * @param {string} type
 * @param {string} message
 * @param {string} stack
 */
export function failure(id, type, message, stack) {
  const short = str16(cut(Buffer.from(type), 256).toString());
  const text = str16(cut(Buffer.from(message), 0x4000).toString());
  return joined(TYPE.FAILURE, id, short, text, cut(Buffer.from(stack), 0x8000));
}

/**
 * LOG; a RangeError for a level that does not exist.
 *
 * @param {string} level
 * @param {string} text
 */
export function log(level, text) {
  if (!Object.hasOwn(LEVELS, level)) {
    throw new RangeError(`level ${JSON.stringify(level)}: it is one of ${Object.keys(LEVELS).join(', ')}`);
  }
  return frame(TYPE.LOG, LEVELS[/** @type {keyof typeof LEVELS} */ (level)], cut(Buffer.from(text), 0x8000));
}

/**
 * A topic's or filter's bytes, if their number is allowed; the rest the broker checks.
 *
 * @param {string} topic
 */
export function topicBytes(topic) {
  if (typeof topic !== 'string') throw new TypeError(`a topic is a string, not ${typeof topic}`);
  const bytes = Buffer.from(topic);
  if (bytes.length < 1 || bytes.length > 1024) {
    throw new InvalidTopic(`a topic of ${bytes.length} bytes; it has 1 to 1024`, { topic: topic.slice(0, 80) });
  }
  return bytes;
}
