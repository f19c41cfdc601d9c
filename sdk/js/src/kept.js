/**
 * Frames of kept messages, history, state and credit (sdk/protocol.md): made and read.
 *
 * Numbers of 64 bits are JavaScript numbers, which are exact below 2^53.
 *
 * @module
 */
import { Malformed } from './errors.js';
import { copied, nothingAfter, str16End } from './read.js';
import { frame, joined, str16, TYPE } from './wire.js';

export const START = Object.freeze({ new: 0, oldest: 1, time: 2 });
export const VERDICT = Object.freeze({ DONE: 0, AGAIN: 1, REJECTED: 2, STILL_AT_IT: 3 });
export const OWN_DELAY = 0xffffffff; // the broker's
export const MAYBE_BEFORE = 1; // DELIVERY's flag
export const NEWEST = 1; // HISTORY's flag
export const WITH_PRESENT = 1; // WATCH's flags
export const ONLY_PRESENT = 2;
export const KEYS_ONLY = 4;

/** Kinds of CHANGE. */
export const KINDS = /** @type {const} */ (['put', 'deleted', 'expired', 'end']);

/**
 * Numbers of 1, 2, 4 or 8 bytes, one after the other, each as [bytes, value].
 *
 * @param {...[1 | 2 | 4 | 8, number]} numbers
 */
function packed(...numbers) {
  const made = Buffer.alloc(numbers.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of numbers) {
    if (bytes === 8) made.writeBigUInt64LE(BigInt(value), at);
    else made.writeUIntLE(value, at, bytes);
    at += bytes;
  }
  return made;
}

/**
 * @param {Buffer} body
 * @param {number} at
 */
function u64(body, at) {
  return body.readUInt32LE(at) + body.readUInt32LE(at + 4) * 2 ** 32;
}

/**
 * CONSUME; 0 is the broker's default.
 *
 * @param {number} id
 * @param {string} place
 * @param {string} filter
 * @param {{ start?: number, window?: number, patience?: number, attempts?: number, from?: number, deadLetter?: string }} [options]
 */
export function consume(id, place, filter, { start = 0, window = 0, patience = 0, attempts = 0, from = 0, deadLetter = '' } = {}) {
  const fields = packed([1, start], [1, 0], [2, window], [4, patience], [2, attempts], [2, 0], [8, from]);
  return joined(TYPE.CONSUME, id, fields, str16(place), str16(deadLetter), Buffer.from(filter));
}

/**
 * STORE.
 *
 * @param {number} id
 * @param {string} messageId
 * @param {string} topic
 * @param {Uint8Array} payload
 */
export function store(id, messageId, topic, payload) {
  return joined(TYPE.STORE, id, str16(messageId), str16(topic), payload);
}

/**
 * ACK.
 *
 * @param {number} id
 * @param {number} sequence
 * @param {number} verdict
 * @param {number} [delay] ms
 */
export function ack(id, sequence, verdict, delay = 0) {
  return frame(TYPE.ACK, id, packed([8, sequence], [1, verdict], [1, 0], [2, 0], [4, delay]));
}

/**
 * HISTORY; 0 is no bound.
 *
 * @param {number} id
 * @param {string} filter
 * @param {{ newest?: boolean, limit?: number, from?: number, until?: number }} options
 */
export function history(id, filter, { newest = false, limit = 0, from = 0, until = 0 }) {
  const fields = packed([1, newest ? NEWEST : 0], [1, 0], [2, 0], [4, limit], [8, from], [8, until]);
  return joined(TYPE.HISTORY, id, fields, Buffer.from(filter));
}

/**
 * CREDIT.
 *
 * @param {number} id
 * @param {number} number
 */
export function credit(id, number) {
  return frame(TYPE.CREDIT, id, packed([4, number]));
}

/**
 * The condition and the revision of PUT and DELETE: undefined is no condition.
 *
 * @param {number | undefined} revision
 */
function condition(revision) {
  return { condition: revision === undefined ? 0 : 1, revision: revision ?? 0 };
}

/**
 * PUT; ttl in seconds, 0 for good.
 *
 * @param {number} id
 * @param {string} key
 * @param {Uint8Array} value
 * @param {{ revision?: number, ttl?: number }} [options]
 */
export function put(id, key, value, { revision, ttl = 0 } = {}) {
  const only = condition(revision);
  const fields = packed([1, only.condition], [1, 0], [2, 0], [4, ttl], [8, only.revision]);
  return joined(TYPE.PUT, id, fields, str16(key), value);
}

/**
 * DELETE.
 *
 * @param {number} id
 * @param {string} key
 * @param {{ revision?: number }} [options]
 */
export function remove(id, key, { revision } = {}) {
  const only = condition(revision);
  return joined(TYPE.DELETE, id, packed([1, only.condition], [1, 0], [2, 0], [8, only.revision]), Buffer.from(key));
}

/**
 * WATCH.
 *
 * @param {number} id
 * @param {string} filter
 * @param {number} flags
 */
export function watch(id, filter, flags) {
  return joined(TYPE.WATCH, id, Buffer.from([flags]), Buffer.from(filter));
}

/** @param {Buffer} body */
export function readDelivery(body) {
  const topic = str16End(body, 20);
  return {
    sequence: u64(body, 0),
    time: u64(body, 8),
    attempt: body.readUInt16LE(16),
    flags: body.readUInt16LE(18),
    topic: body.toString('utf8', 22, topic),
    payload: copied(body, topic),
  };
}

/** @param {Buffer} body */
export function readPast(body) {
  const topic = str16End(body, 16);
  return { sequence: u64(body, 0), time: u64(body, 8), topic: body.toString('utf8', 18, topic), payload: copied(body, topic) };
}

/** @param {Buffer} body */
export function readValue(body) {
  return { revision: u64(body, 0), time: u64(body, 8), value: copied(body, 16) };
}

/**
 * The new revision.
 *
 * @param {Buffer} body
 */
export function readStored(body) {
  nothingAfter(body, 8);
  return u64(body, 0);
}

/** @param {Buffer} body */
export function readChange(body) {
  const kind = KINDS[body[0]];
  if (kind === undefined) throw new Malformed(`CHANGE of kind ${body[0]}`);
  const key = str16End(body, 20);
  return { kind, revision: u64(body, 4), time: u64(body, 12), key: body.toString('utf8', 22, key), value: copied(body, key) };
}

/**
 * The number of a CREDIT from the broker.
 *
 * @param {number} id
 * @param {Buffer} body
 */
export function readCredit(id, body) {
  if (id !== 0) throw new Malformed('CREDIT with an id');
  nothingAfter(body, 4);
  return body.readUInt32LE(0);
}
