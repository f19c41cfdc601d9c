/** What contexts of functions can do with state, kept topics and requests, on the real broker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../src/index.js';
import { Broker, TOKEN, WORKER } from './broker.js';

const HANDLERS = fileURLToPath(new URL('handlers', import.meta.url));

/** A worker for a handler, and a function that invokes it. */
async function start(t, handler) {
  const broker = await Broker.for(t);
  const keep = [{ topic: 't/kept/#', size: 1 << 20 }];
  await broker.do({ grant: { name: 'fn', token: '', publish: ['t/#', 'req/#'], subscribe: ['t/#'], keep } });
  const env = [`FESCUE_HANDLER=kept.${handler}`];
  assert.deepEqual(await broker.do({ worker: { name: 'fn', argv: [process.execPath, WORKER], dir: HANDLERS, env } }), {});
  const call = async (event) => {
    const result = await broker.invoke('fn', JSON.stringify(event));
    assert(Buffer.isBuffer(result), JSON.stringify(result));
    return JSON.parse(result);
  };
  return { broker, call };
}

test('state', async (t) => {
  const { call } = await start(t, 'state');
  const same = { same: true, conflict: true, keys: [['n', 'rooms/a'], ['rooms/a'], []], gone: true };
  assert.deepEqual(await call(1), { before: null, now: { n: 1 }, ...same });
  assert.deepEqual(await call(2), { before: { n: 1 }, now: { n: 2 }, ...same });
});

test('many things asked at once', async (t) => {
  const { call } = await start(t, 'together');
  assert.deepEqual(await call(500), Array.from({ length: 500 }, (_, n) => n));
});

test('kept topics', async (t) => {
  const { call } = await start(t, 'kept');
  assert.deepEqual(await call('a'), [[0, 1, 2], 2, 't/kept/a', [], 'NotKept']);
});

test('requests', async (t) => {
  const { broker, call } = await start(t, 'request');
  const client = await connect({ address: broker.address, token: TOKEN });
  t.after(() => client.close());
  await client.respond('req/double', (message) => 2 * message.json());
  assert.deepEqual(await call(21), [42, 'req/double', 'NoResponder', 'req/nobody']);
});

test("denials are the handler's", async (t) => {
  const { call } = await start(t, 'denied');
  const denial = ['PermissionDenied', 'secret/x'];
  assert.deepEqual(await call(null), [denial, denial]);
});
