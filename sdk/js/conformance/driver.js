/**
 * The SDK as the conformance run drives it: commands on standard input, answers and events on standard
 * output, as sdk/conformance/README.md says.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as fescue from '../src/index.js';

const LEVELS = ['debug', 'info', 'warning', 'error'];

let client;
const streams = new Map(); // subscriptions and consumptions
const watches = new Map();
const open = new Map(); // deliveries by name and sequence
let gate = Promise.resolve();
let openGate = () => {};

let lines = [];

/** Writes a line, together with others of this turn. */
function say(...words) {
  if (lines.length === 0) setImmediate(flush);
  lines.push(words.join(' '));
}

function flush() {
  const text = Buffer.from(`${lines.join('\n')}\n`);
  lines = [];
  for (let at = 0; at < text.length; ) {
    try {
      at += writeSync(1, text, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const bytes = (hex) => (hex === '-' ? Buffer.alloc(0) : Buffer.from(hex, 'hex'));
const hex = (payload) => (payload.length > 0 ? payload.toString('hex') : '-');

/** The specification's name of an error. */
function nameOf(error) {
  if (error instanceof fescue.ConnectionLost) return 'connection-lost';
  if (error instanceof fescue.ClientClosed) return 'closed';
  return error.code || error.name;
}

/** Says what comes, until it ends. */
async function follow(name, items, event) {
  try {
    for await (const item of items) {
      await gate;
      event(item);
    }
  } catch (error) {
    say('ended', name, nameOf(error));
  }
}

const COMMANDS = {
  async connect() {
    if (process.env.FESCUE_EXCHANGE?.startsWith('mqueue:')) throw Object.assign(new Error('no such link'), { code: 'unsupported' });
    client = await fescue.connect({ onError: (error) => say('trouble', nameOf(error)) });
    return [client.application, client.device];
  },
  publish: (topic, payload) => client.publish(topic, bytes(payload)).then(() => []),
  confirm: (topic, payload) => client.publish(topic, bytes(payload), { confirm: true }).then(() => []),
  async flood(topic, number, size) {
    const payload = Buffer.alloc(Number(size), 'x');
    for (let n = 0; n < Number(number); n++) {
      payload.writeUInt32LE(n);
      await client.publish(topic, payload);
    }
    return [];
  },
  async subscribe(name, filter, policy, queue, credit) {
    const options = { policy, queue: Number(queue), credit: credit === '-' ? undefined : Number(credit) };
    const subscription = await client.subscribe(filter, options);
    streams.set(name, subscription);
    void follow(name, subscription, (m) => say('message', name, m.topic, hex(m.payload)));
    return [];
  },
  async credit(name, number) {
    streams.get(name).credit(Number(number));
    return [];
  },
  async unsubscribe(name) {
    await streams.get(name).close();
    return [];
  },
  async hold() {
    gate = new Promise((resolve) => (openGate = resolve));
    return [];
  },
  async resume() {
    openGate();
    return [];
  },
  async respond(name, filter) {
    const reverse = async (message) => {
      await gate;
      if (message.text() === 'fail') throw new Error('as asked');
      return Buffer.from(message.payload).reverse();
    };
    streams.set(name, await client.respond(filter, reverse));
    return [];
  },
  async request(topic, timeout, payload) {
    return [hex((await client.request(topic, bytes(payload), { timeout: Number(timeout) })).payload)];
  },
  store: (topic, payload) => client.store(topic, bytes(payload)).then(() => []),
  async consume(name, place, filter, start, window, patience, attempts, deadLetter) {
    const options = { place, start, window: Number(window), patience: Number(patience), attempts: Number(attempts) };
    const subscription = await client.consume(filter, { ...options, deadLetter: deadLetter === '-' ? '' : deadLetter });
    streams.set(name, subscription);
    void follow(name, subscription, (d) => {
      open.set(`${name} ${d.sequence}`, d);
      say('delivery', name, d.sequence, d.attempt, d.maybeBefore ? 1 : 0, d.topic, hex(d.payload));
    });
    return [];
  },
  async done(name, sequence) {
    open.get(`${name} ${sequence}`).done();
    return [];
  },
  async again(name, sequence, delay) {
    open.get(`${name} ${sequence}`).again(delay === '-' ? undefined : Number(delay));
    return [];
  },
  async reject(name, sequence) {
    open.get(`${name} ${sequence}`).reject();
    return [];
  },
  forget: (place) => client.forget(place).then(() => []),
  async history(filter, from, until, limit) {
    const time = (ms) => (ms === '0' ? undefined : new Date(Number(ms)));
    const options = { from: time(from), until: time(until), limit: Math.abs(Number(limit)), newest: limit.startsWith('-') };
    const past = await client.history(filter, options);
    for (const p of past) say('past', p.sequence, p.time.getTime(), p.topic, hex(p.payload));
    return [past.length];
  },
  async get(key) {
    const value = await client.state.get(key);
    if (value === undefined) throw Object.assign(new Error('no such key'), { code: 'not-found' });
    return [value.revision, hex(value.value)];
  },
  put: async (key, value, ttl) => [await client.state.put(key, bytes(value), { ttl: Number(ttl) })],
  'put-if': async (key, value, revision) => [await client.state.put(key, bytes(value), { revision: Number(revision) })],
  delete: (key) => client.state.delete(key).then(() => []),
  'delete-if': (key, revision) => client.state.delete(key, { revision: Number(revision) }).then(() => []),
  async watch(name, filter) {
    const watch = await client.state.watch(filter);
    watches.set(name, watch);
    void follow(name, watch, (c) => say('change', name, c.kind, c.revision, c.key || '-', hex(c.value)));
    return [];
  },
  unwatch: (name) => watches.get(name).close().then(() => []),
  keys: (filter) => client.state.keys(filter),
  log: (level, text) => client.log(LEVELS[Number(level)] ?? level, bytes(text).toString()).then(() => []),
  drain: () => client.drain().then(() => []),
  close: () => client.close().then(() => []),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ');
  try {
    if (!COMMANDS[command]) throw Object.assign(new Error(command), { code: 'unsupported' });
    say('ok', ...(await COMMANDS[command](...words)));
  } catch (error) {
    say('error', nameOf(error), error.message.replaceAll('\n', ' '));
  }
  if (command === 'close') break;
}
flush();
process.exit(0);
