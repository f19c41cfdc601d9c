/** Frames against the golden vectors that every SDK passes, and the reader against cut streams. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { InvalidTopic, Malformed } from '../src/errors.js';
import * as kept from '../src/kept.js';
import * as read from '../src/read.js';
import * as wire from '../src/wire.js';
import { CONFORMANCE } from './broker.js';

const { TYPE } = wire;
// The frames of the capability modules, which this side never states.
const MODULES = ['OFFER', 'ACCEPT', 'CHUNK', 'PROGRESS', 'COMMIT', 'COMMITTED', 'ABORT', 'REMOVE', 'LIST', 'HELD'];
const vectors = JSON.parse(readFileSync(`${CONFORMANCE}vectors.json`, 'utf8')).vectors.filter(
  (v) => !MODULES.includes(v.fields?.type) && v.name !== 'ok-of-a-removal',
);
const NAMES = Object.fromEntries(Object.entries(TYPE).map(([name, type]) => [type, name]));

const chosen = (direction, outcome) => vectors.filter((v) => v.direction === direction && outcome in v);

/** The frame that the SDK makes of a vector's fields. */
function made(f) {
  const payload = Buffer.from(f.payload ?? '', 'hex');
  switch (f.type) {
    case 'HELLO':
      return wire.hello(f.token, f.client, f.capabilities, f.maxBody, f.lowest, f.highest);
    case 'ERROR':
      return wire.error(f.id, f.code, f.refused, f.topic, f.text);
    case 'SUBSCRIBE':
      return wire.subscribe(f.id, f.filter, f.policy, f.flags, f.queue);
    case 'PUBLISHTO':
      return wire.publishTo(f.id, f.topic, payload);
    case 'REQUEST':
      return wire.request(f.id, f.timeout, f.topic, payload);
    case 'FAILURE':
      return wire.failure(f.id, f.errorType, f.message, f.stack);
    case 'GOODBYE':
      return wire.goodbye(f.code, f.text);
    case 'PART':
      return wire.part(f.id, payload, f.flags === 1);
    case 'LOG':
      return wire.log(Object.keys(wire.LEVELS)[f.id], f.text);
    case 'CONSUME':
      return kept.consume(f.id, f.place, f.filter, f);
    case 'STORE':
      return kept.store(f.id, f.messageId, f.topic, payload);
    case 'ACK':
      return kept.ack(f.id, f.sequence, f.verdict, f.delay);
    case 'HISTORY':
      return kept.history(f.id, f.filter, { ...f, newest: f.flags === kept.NEWEST });
    case 'CREDIT':
      return kept.credit(f.id, f.number);
    case 'PUT':
      return kept.put(f.id, f.key, Buffer.from(f.value, 'hex'), { ttl: f.ttl, revision: f.condition ? f.revision : undefined });
    case 'DELETE':
      return kept.remove(f.id, f.key, { revision: f.condition ? f.revision : undefined });
    case 'WATCH':
      return kept.watch(f.id, f.filter, f.flags);
    default:
      return wire.frame(TYPE[f.type], f.id, payload.length > 0 ? payload : Buffer.from(f.topic ?? f.place ?? f.key ?? ''));
  }
}

const READERS = {
  WELCOME: read.readWelcome,
  ERROR: read.readError,
  GOODBYE: read.readGoodbye,
  OK: (body) => ({ granted: read.readOk(body) }),
  MESSAGE: read.readMessage,
  CALL: read.readCall,
  INVOKE: (body) => {
    const { timeout, packed, payload } = read.readInvoke(body);
    const attributes = read.readAttributes(packed);
    return { timeout, attributes: attributes.length > 0 ? attributes : null, payload };
  },
  CANCEL: () => ({}),
  MORE: (body) => ({ number: read.readMore(body) }),
  DELIVERY: kept.readDelivery,
  PAST: kept.readPast,
  VALUE: kept.readValue,
  STORED: (body) => ({ revision: kept.readStored(body) }),
  CHANGE: (body) => {
    const change = kept.readChange(body);
    return { ...change, kind: kept.KINDS.indexOf(change.kind) };
  },
  CREDIT: (body, id) => ({ number: kept.readCredit(id, body) }),
};

/** The fields that the SDK reads, by the vectors' names. */
function fields(type, id, body) {
  const found = (READERS[NAMES[type]] ?? ((payload) => ({ payload })))(body, id);
  for (const key of ['payload', 'value']) if (found[key]) found[key] = found[key].toString('hex');
  return { type: NAMES[type], id, ...found };
}

function expected({ fields: { codeName, ...rest } }) {
  return rest;
}

function readAll(...chunks) {
  const found = [];
  const reader = new read.Reader((type, id, body) => found.push(fields(type, id, body)));
  for (const chunk of chunks) {
    const passing = Buffer.from(chunk);
    reader.feed(passing);
    passing.fill(0xee); // the reader may not keep it
  }
  return found;
}

for (const vector of chosen('client', 'fields')) {
  test(`made: ${vector.name}`, () => {
    assert.equal(made(vector.fields).toString('hex'), vector.hex);
  });
}

for (const vector of chosen('broker', 'fields')) {
  test(`read: ${vector.name}`, () => {
    assert.deepEqual(readAll(Buffer.from(vector.hex, 'hex')), [expected(vector)]);
  });
}

for (const vector of chosen('broker', 'error')) {
  test(`refused: ${vector.name}`, () => {
    assert.throws(() => readAll(Buffer.from(vector.hex, 'hex')), Malformed);
  });
}

test('extensions are skipped', () => {
  const skipped = vectors.filter((v) => 'skipped' in v).map((v) => Buffer.from(v.hex, 'hex'));
  assert(skipped.length > 0);
  assert.deepEqual(readAll(...skipped, wire.frame(TYPE.PONG, 7)), [{ type: 'PONG', id: 7, payload: '' }]);
});

/** Numbers that look random and are the same each time. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (let seed = 1; seed <= 20; seed++) {
  test(`a stream is read however it is cut, ${seed}`, () => {
    const random = generator(seed);
    const known = chosen('broker', 'fields');
    const sent = Array.from({ length: 2000 }, () => known[random(known.length)]);
    const stream = Buffer.concat(sent.map((v) => Buffer.from(v.hex, 'hex')));
    const chunks = [];
    for (let at = 0; at < stream.length; ) {
      const n = [1, 3, 7, 100, 5000, 65536][random(6)];
      chunks.push(stream.subarray(at, at + n));
      at += n;
    }
    assert.deepEqual(readAll(...chunks), sent.map(expected));
  });
}

test('a large frame in many chunks', () => {
  const payload = Buffer.alloc(1_000_000, 'fescue');
  const stream = Buffer.concat([wire.frame(TYPE.REPLY, 1, payload), wire.frame(TYPE.PONG, 2)]);
  const chunks = [];
  for (let at = 0; at < stream.length; at += 65536) chunks.push(stream.subarray(at, at + 65536));
  assert.deepEqual(readAll(...chunks), [
    { type: 'REPLY', id: 1, payload: payload.toString('hex') },
    { type: 'PONG', id: 2, payload: '' },
  ]);
});

for (const topic of ['', 'x'.repeat(1025), 'ü'.repeat(513)]) {
  test(`a topic of ${Buffer.byteLength(topic)} bytes is refused`, () => {
    assert.throws(() => wire.topicBytes(topic), InvalidTopic);
  });
}

test('failures are cut to their fields, between characters', () => {
  const frame = wire.failure(1, 'E'.repeat(1000), 'ü'.repeat(100_000), `the begin${'€'.repeat(100_000)}`);
  const body = frame.subarray(8);
  assert.equal(body.readUInt16LE(0), 256);
  const messageEnd = 260 + body.readUInt16LE(258);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  assert.match(decoder.decode(body.subarray(260, messageEnd)), /^ü+$/);
  const stack = decoder.decode(body.subarray(messageEnd));
  assert.match(stack, /^the begin€+$/);
  assert(Buffer.byteLength(stack) <= 0x8000);
});
