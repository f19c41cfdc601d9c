/** Workers of functions: called by the real broker, and by a test that holds the other end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as wire from '../src/wire.js';
import { Broker, WORKER } from './broker.js';
import { invocation, Talk, welcome } from './peer.js';

const { TYPE } = wire;
const HANDLERS = fileURLToPath(new URL('handlers', import.meta.url));

/** Starts a worker on the real broker; calling what it gives invokes it. */
async function start(broker, handler, env = {}) {
  await broker.grant('fn', '', { publish: ['out/#'] });
  const variables = Object.entries({ FESCUE_HANDLER: handler, FESCUE_VERSION: '1.2.3', ...env }).map((e) => e.join('='));
  const answer = await broker.do({ worker: { name: 'fn', argv: [process.execPath, WORKER], dir: HANDLERS, env: variables } });
  assert.deepEqual(answer, {});
  return async (event, options) => {
    const result = await broker.invoke('fn', Buffer.isBuffer(event) ? event : JSON.stringify(event), options);
    return Buffer.isBuffer(result) && result.length > 0 ? JSON.parse(result) : result;
  };
}

test('calls', async (t) => {
  const call = await start(await Broker.for(t), 'handlers.echo');
  assert.deepEqual(await call({ x: [1, 2.5, null, 'ü'] }), { x: [1, 2.5, null, 'ü'] });
  for (let n = 0; n < 200; n++) assert.equal(await call(n), n);
  const large = 'x'.repeat(900_000);
  assert.deepEqual(await call([large]), [large]);
});

test('events', async (t) => {
  const call = await start(await Broker.for(t), 'handlers.kind');
  const cases = [
    ['{"a": 1}', 'object', { a: 1 }],
    [' [1]\n', 'object', [1]],
    ['21.5', 'number', 21.5],
    ['true', 'boolean', true],
    ['null', 'null', null],
    ['', 'null', null],
    ['NaN', 'bytes', 'NaN'],
    ['hello', 'bytes', 'hello'],
    ['{broken', 'bytes', '{broken'],
    ['"\ufffd"', 'string', '\ufffd'],
  ];
  for (const [payload, ...kind] of cases) assert.deepEqual(await call(Buffer.from(payload)), kind, payload);
  assert.deepEqual(await call(Buffer.from('"\xff"', 'latin1')), ['bytes', '"\xff"']);
  const typed = async (datacontenttype, payload) => call(Buffer.from(payload), { datacontenttype });
  assert.deepEqual(await typed('text/plain; charset=utf-8', '21.5'), ['string', '21.5']);
  assert.deepEqual(await typed('application/octet-stream', '21.5'), ['bytes', '21.5']);
  assert.deepEqual(await typed('application/senml+json', '21.5'), ['number', 21.5]);
  assert.deepEqual(await typed('application/json', 'oops'), ['bytes', 'oops']);
});

test('results', async (t) => {
  const broker = await Broker.for(t);
  await start(broker, 'handlers.nothing');
  assert.equal((await broker.invoke('fn', '{}')).length, 0);
  await broker.do({ stop: 'fn' });
  await start(broker, 'handlers.raw');
  assert.deepEqual(await broker.invoke('fn', Buffer.from([0, 255])), Buffer.from([0, 255]));
});

test('context', async (t) => {
  const call = await start(await Broker.for(t), 'handlers.about', { FESCUE_DEVICE: 'kitchen-pi' });
  const attributes = { id: '17', source: 'fescue://kitchen-pi', type: 'fescue.message', subject: 'poly/request', time: '2026-01-02T03:04:05Z' };
  const { left, ...about } = await call({}, { timeout: 5000, ...attributes });
  assert(left > 0 && left <= 5000, `${left} ms left`);
  const { subject, ...same } = attributes;
  assert.deepEqual(about, { attributes, topic: subject, ...same, aws: '17', name: 'fn', version: '1.2.3', device: 'kitchen-pi' });
});

for (const handler of ['handlers.fail', 'handlers.failLater']) {
  test(`errors are failures without frames of the SDK: ${handler}`, async (t) => {
    const call = await start(await Broker.for(t), handler);
    for (let n = 0; n < 2; n++) {
      const failure = await call(3); // the worker goes on
      assert.deepEqual([failure.type, failure.error], ['RangeError', 'bad 3']);
      assert.match(failure.stack, /^RangeError: bad 3\n.*handlers\.mjs:/);
      assert.doesNotMatch(failure.stack, /serving\.js|node:internal/);
    }
  });
}

test('other failures', async (t) => {
  const broker = await Broker.for(t);
  const cases = [
    ['caused', 'Error', /outer/, /Caused by: TypeError: inner/],
    ['throwText', 'Error', /only text/, /^$/],
    ['unsendable', 'TypeError', /cannot be sent/, /^$/],
    ['circular', 'TypeError', /cannot be sent.*circular/s, /^$/],
  ];
  for (const [handler, type, error, stack] of cases) {
    const failure = await (await start(broker, `handlers.${handler}`))();
    assert.equal(failure.type, type);
    assert.match(failure.error, error);
    assert.match(failure.stack ?? '', stack);
    await broker.do({ stop: 'fn' });
  }
  const call = await start(broker, 'handlers.huge');
  assert.equal((await call(2_000_000)).type, 'TooLarge');
  assert.equal((await broker.invoke('fn', '1000000')).length, 1_000_000);
});

test("AWS Lambda's callback", async (t) => {
  const call = await start(await Broker.for(t), 'handlers.callback');
  assert.deepEqual(await call(1), { event: 1 });
  assert.equal((await call('bad')).error, 'told');
});

test('publishing and logging', async (t) => {
  const broker = await Broker.for(t);
  const call = await start(broker, 'handlers.publish');
  assert.equal((await call('out/x')).length, 0);
  const { logs } = await broker.do({ logs: {} });
  assert.deepEqual(logs, [['fn', 2, 'three published']]);
  assert.equal((await call('secret/x')).type, 'PermissionDenied');
  assert.equal((await call('a/#/b')).type, 'InvalidTopic');
  assert.equal((await call('')).type, 'InvalidTopic');
  assert.equal((await call('out/y')).length, 0);
});

test('modules of every kind', async (t) => {
  const broker = await Broker.for(t);
  for (const [handler, result] of [
    ['common.handler', '{"common":null}'],
    ['common.dynamic', 'found'],
    ['nested/inner.handle', 'nested/inner.mjs'],
    ['nested.inner.handle', 'nested/inner.mjs'],
  ]) {
    await start(broker, handler);
    assert.equal(String(await broker.invoke('fn')), result);
    assert.deepEqual(await broker.do({ stop: 'fn' }), { status: 0 });
  }
});

/** A worker whose link this test holds, as descriptor 3. */
async function hold(t, handler) {
  // Node gives no socket pairs, but what a child inherits at a `pipe` is one end of such.
  const env = { ...process.env, FESCUE_HANDLER: handler, FESCUE_WORKER_FD: '3' };
  const child = spawn(process.execPath, [WORKER], { cwd: HANDLERS, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (output.out += chunk));
  child.stderr.on('data', (chunk) => (output.err += chunk));
  const ended = once(child, 'close').then(([status]) => ({ status, ...output }));
  t.after(() => child.kill('SIGKILL'));
  const talk = new Talk(child.stdio[3]);
  const { body } = await talk.expect(TYPE.HELLO);
  assert.equal(body.readUInt16LE(2), 575);
  return { talk, ended, child };
}

async function holdReady(t, handler) {
  const held = await hold(t, handler);
  await held.talk.expect(TYPE.READY);
  held.talk.send(welcome());
  return held;
}

for (const [handler, type, part] of [
  ['handlers.noSuch', 'HandlerNotFound', 'no function "noSuch"; it has: '],
  ['handlers.notCallable', 'HandlerNotFound', 'is a number'],
  ['handlers', 'HandlerNotFound', 'file.export'],
  ['', 'HandlerNotFound', 'file.export'],
  ['nowhere.handle', 'HandlerNotFound', 'nowhere.js'],
  ['broken.handle', 'Error', 'no-such-package'],
  ['syntax.handle', 'SyntaxError', 'token'],
  ['throws.handle', 'Error', 'while loading'],
]) {
  test(`a handler that cannot be loaded: ${JSON.stringify(handler)}`, async (t) => {
    const { talk, ended } = await hold(t, handler);
    const { id, body } = await talk.expect(TYPE.FAILURE);
    assert.equal(id, 0);
    assert.equal(body.toString('utf8', 2, 2 + body.readUInt16LE(0)), type);
    assert(body.includes(part), body.toString());
    talk.send(welcome());
    assert.equal(await talk.next(), null);
    assert.equal((await ended).status, 1);
  });
}

test('the end of the link ends it at once', async (t) => {
  const { talk, ended } = await holdReady(t, 'handlers.sleep');
  talk.send(invocation(1, '60000'));
  talk.close();
  assert.deepEqual(await ended, { status: 1, out: 'loading handlers\n', err: '' });
});

test('many under way are all answered, in order where they are quick', async (t) => {
  const { talk } = await holdReady(t, 'handlers.echo');
  const count = 3000;
  talk.send(...Array.from({ length: count }, (_, n) => invocation(n + 1, String(n))));
  for (let n = 0; n < count; n++) {
    const { id, body } = await talk.expect(TYPE.RESULT);
    assert.deepEqual([id, String(body)], [n + 1, String(n)]);
  }
});

test('invocations run side by side, and GOODBYE lets them finish', async (t) => {
  const { talk, ended } = await holdReady(t, 'handlers.sleep');
  talk.send(invocation(1, '600'), invocation(2, '300'), invocation(3, '0'), wire.goodbye());
  for (const id of [3, 2, 1]) assert.equal((await talk.expect(TYPE.RESULT)).id, id);
  assert.equal((await ended).status, 0);
});

test('cancelling aborts the signal', async (t) => {
  const { talk } = await holdReady(t, 'handlers.untilCancelled');
  talk.send(invocation(7), wire.frame(TYPE.PING, 1));
  await talk.expect(TYPE.PONG);
  talk.send(wire.frame(TYPE.CANCEL, 7));
  const { id, body } = await talk.expect(TYPE.FAILURE);
  assert.equal(id, 7);
  assert(body.includes('Cancelled'));
});

test('calling another function', async (t) => {
  const { talk } = await holdReady(t, 'handlers.invoke');
  for (const [answer, result] of [
    ['{"x": 1}', '{"x":1}'],
    ['text', 'text'],
    ['', ''],
  ]) {
    talk.send(invocation(1, '[7]'));
    const { id, body } = await talk.expect(TYPE.REQUEST);
    assert.equal(body.readUInt32LE(0), 2000);
    assert.equal(body.toString('utf8', 6), '$fescue/invoke/other[7]');
    talk.send(wire.frame(TYPE.REPLY, id, Buffer.from(answer)));
    assert.equal(String((await talk.expect(TYPE.RESULT)).body), result);
  }
  talk.send(invocation(2, '[8]'));
  talk.send(wire.error((await talk.expect(TYPE.REQUEST)).id, 15, TYPE.REQUEST, '', 'it failed'));
  assert((await talk.expect(TYPE.FAILURE)).body.includes('RemoteError'));
});

for (const [handler, part] of [
  ['handlers.uncaught', 'nobody catches this'],
  ['handlers.unhandled', 'nobody handles this'],
]) {
  test(`an error that nobody catches is told before the end: ${handler}`, async (t) => {
    const { talk, ended } = await holdReady(t, handler);
    talk.send(invocation(1));
    const { id, body } = await talk.expect(TYPE.FAILURE);
    assert.equal(id, 1);
    assert(body.includes(part));
    const { status, err } = await ended;
    assert.equal(status, 1);
    assert.match(err, new RegExp(part));
  });
}

test('what is not of the protocol ends it', async (t) => {
  const { talk, ended } = await holdReady(t, 'handlers.echo');
  talk.send(wire.frame(TYPE.PUBLISH, 1));
  assert.equal(await talk.next(), null);
  const { status, err } = await ended;
  assert.equal(status, 1);
  assert.match(err, /0x20/);
});

test('the descriptor is not inherited', async (t) => {
  const { talk } = await holdReady(t, 'handlers.children');
  talk.send(invocation(1));
  const { link, inherited } = JSON.parse((await talk.expect(TYPE.RESULT)).body);
  assert.match(link, /^socket:/);
  assert(!inherited.includes(link), inherited);
});
