/** The client against the real broker. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as fescue from '../src/index.js';
import { Broker, OTHER, TOKEN } from './broker.js';

async function setup(t, count = 1, options = {}) {
  const broker = await Broker.for(t);
  const clients = [];
  for (let n = 0; n < count; n++) clients.push(await connect(t, broker, options));
  return [broker, ...clients];
}

async function connect(t, broker, options = {}) {
  const client = await fescue.connect({ address: broker.address, token: TOKEN, ...options });
  t.after(() => client.close());
  return client;
}

async function take(subscription, count, timeout = 10_000) {
  const got = [];
  while (got.length < count) {
    const message = await subscription.next({ timeout });
    assert(message, `only ${got.length} of ${count} messages came`);
    got.push(message);
  }
  return got;
}

const texts = (messages) => messages.map((m) => m.text());
const rejects = (promise, Kind, part) =>
  assert.rejects(promise, (error) => error instanceof Kind && (part === undefined || error.message.includes(part)));

test('publish and subscribe', async (t) => {
  const [, a, b] = await setup(t, 2);
  assert.deepEqual([a.application, a.device], ['app', 'testdevice']);
  const messages = await b.subscribe('t/+');
  await a.publish('t/1', Buffer.from([0, 255]));
  await a.publish('t/2', 'grün');
  await a.publish('t/3', { roots: [1, null] });
  await a.publish('t/4');
  const got = await take(messages, 4);
  assert.deepEqual(got.map((m) => m.topic), ['t/1', 't/2', 't/3', 't/4']);
  assert.deepEqual(got.map((m) => m.payload.toString('latin1')), ['\x00\xff', 'grÃ¼n', '{"roots":[1,null]}', '']);
  assert.deepEqual(got[2].json(), { roots: [1, null] });
  assert.equal(await messages.next({ timeout: 10 }), undefined);
});

test('a filter without wildcards gives its topic; own messages can be left out', async (t) => {
  const [, a, b] = await setup(t, 2);
  const own = await a.subscribe('t/own');
  const others = await a.subscribe('t/#', { own: false });
  await a.publish('t/own', 'mine');
  await a.drain();
  await b.publish('t/x', 'yours');
  assert.equal((await take(own, 1))[0].topic, 't/own');
  assert.deepEqual(texts(await take(others, 1)), ['yours']);
});

test('order, and nothing lost with block', async (t) => {
  const [, a, b] = await setup(t, 2);
  const messages = await b.subscribe('t/n', { policy: 'block', queue: 64 });
  const publishing = (async () => {
    for (let n = 0; n < 20_000; n++) await a.publish('t/n', String(n));
  })();
  let next = 0;
  for await (const message of messages) {
    assert.equal(message.text(), String(next++));
    if (next === 20_000) break;
  }
  await publishing;
});

test('much can be published for long without a warning of Node.js', async (t) => {
  const [, a, b] = await setup(t, 2);
  const warnings = [];
  const warned = (warning) => warnings.push(warning.message);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const messages = await b.subscribe('t/n', { policy: 'block' });
  const payload = Buffer.alloc(60_000);
  void (async () => {
    for (let n = 0; n < 400; n++) await a.publish('t/n', payload);
  })();
  await take(messages, 400);
  assert.deepEqual(warnings, []);
});

test('a slow subscription with block does not hold up others', async (t) => {
  const [, a, b] = await setup(t, 2);
  await b.subscribe('t/slow', { policy: 'block', queue: 4 });
  const quick = await b.subscribe('t/quick');
  for (let n = 0; n < 6; n++) await a.publish('t/slow', 'x'); // as many as fit, here and in the broker
  await a.publish('t/quick', 'passes');
  assert.deepEqual(texts(await take(quick, 1)), ['passes']);
});

test('credit', async (t) => {
  const [, a, b] = await setup(t, 2);
  const messages = await b.subscribe('t/#', { credit: 2, queue: 100 });
  for (let n = 0; n < 5; n++) await a.publish('t/x', String(n), { confirm: true });
  assert.deepEqual(texts(await take(messages, 2)), ['0', '1']);
  assert.equal(await messages.next({ timeout: 100 }), undefined);
  messages.credit(3);
  assert.deepEqual(texts(await take(messages, 3)), ['2', '3', '4']);
  assert.throws(() => messages.credit(0), RangeError);
});

test('publishing without awaiting keeps the order, also at first', async (t) => {
  const [, a] = await setup(t);
  const messages = await a.subscribe('t/x', { queue: 2000 });
  for (let n = 0; n < 1500; n++) void a.publish('t/x', String(n));
  assert.deepEqual(texts(await take(messages, 1500)), Array.from({ length: 1500 }, (_, n) => String(n)));
});

test('large messages', async (t) => {
  const [, a] = await setup(t);
  const messages = await a.subscribe('t/large');
  const payload = randomBytes(900_000);
  for (let n = 0; n < 3; n++) {
    await a.publish('t/large', payload);
    assert.deepEqual((await take(messages, 1))[0].payload, payload);
  }
  const over = Buffer.alloc((1 << 20) + 1);
  await rejects(a.publish('t/x', over), fescue.TooLarge, 't/x');
  await rejects(a.publish('t/x', over, { confirm: true }), fescue.TooLarge);
  await rejects(a.request('t/x', over), fescue.TooLarge);
  await a.publish('t/x', 'still works', { confirm: true });
});

test('permissions', async (t) => {
  const [, a] = await setup(t);
  for (const refused of [a.publish('secret/x', 'x'), a.publish('secret/x', 'x', { confirm: true }), a.request('secret/x'), a.subscribe('#')]) {
    await rejects(refused, fescue.PermissionDenied, 'fescue.yaml');
  }
  const error = await a.publish('secret/x').catch((e) => e);
  assert.deepEqual([error.code, error.topic, error.name], ['denied', 'secret/x', 'PermissionDenied']);
  await a.publish('t/x', 'the session goes on', { confirm: true });
});

for (const topic of ['', 't/#/x', 't/\x00', 'x'.repeat(70_000)]) {
  test(`invalid topic ${JSON.stringify(topic.slice(0, 8))}`, async (t) => {
    const [, a] = await setup(t);
    await rejects(a.publish(topic), fescue.InvalidTopic);
    await rejects(a.subscribe(topic), fescue.InvalidTopic);
    await rejects(a.request(topic), fescue.InvalidTopic);
    await a.publish('t/x', 'the session goes on', { confirm: true });
  });
}

test('bad arguments', async (t) => {
  const [, a] = await setup(t);
  await rejects(a.subscribe('t/x', { policy: 'drop-some' }), RangeError, 'drop-oldest');
  await rejects(a.subscribe('t/x', { queue: 70_000 }), RangeError, 'queue');
  await rejects(a.log('loud', 'x'), RangeError, 'debug');
  await rejects(a.publish('t/x', () => {}), TypeError);
  await rejects(a.publish(7, 'x'), TypeError);
  await rejects(a.consume('t/x', {}), TypeError, 'place');
});

test('connecting', async (t) => {
  const broker = await Broker.for(t);
  await rejects(fescue.connect({ address: broker.address, token: OTHER }), fescue.Unauthenticated, 'FESCUE_TOKEN');
  await rejects(fescue.connect({ address: 'unix:/no/such.sock', token: TOKEN }), fescue.ConnectionLost, '/no/such.sock');
  await rejects(fescue.connect({ address: broker.addresses.mqueue, token: TOKEN }), fescue.FescueError, 'ipc: unix');
  await rejects(fescue.connect({ address: 'nonsense' }), fescue.FescueError, 'unix:PATH');
  delete process.env.FESCUE_EXCHANGE;
  await rejects(fescue.connect(), fescue.FescueError, 'FESCUE_EXCHANGE is not set');
});

test('handlers are called one after the other, and go on after an error', async (t) => {
  const [, a, b] = await setup(t, 2);
  const heard = [];
  let working = 0;
  const done = new Promise((resolve) => {
    void b.subscribe('t/n', async (message) => {
      assert.equal(++working, 1);
      await b.publish('t/first', message.payload); // waits for the broker inside the handler
      working--;
      heard.push(message.text());
      if (message.text() === '4') resolve();
      if (message.text() === '2') throw new Error('on purpose');
    });
  });
  await b.drain();
  for (let n = 0; n < 5; n++) await a.publish('t/n', String(n));
  await done;
  assert.deepEqual(heard, ['0', '1', '2', '3', '4']);
});

test('requests', async (t) => {
  const [, a, b] = await setup(t, 2);
  await b.respond('req/double', (message) => {
    if (message.text() === 'bad') throw new RangeError('no number');
    return { double: 2 * message.json() };
  });
  await b.respond('req/slow', (message) => new Promise((resolve) => setTimeout(resolve, Number(message.text()), message.payload)));
  assert.deepEqual((await a.request('req/double', 21)).json(), { double: 42 });
  await rejects(a.request('req/double', 'bad'), fescue.RemoteError, 'RangeError: no number');
  await rejects(a.request('req/nobody'), fescue.NoResponder);
  await rejects(a.request('req/slow', '5000', { timeout: 100 }), fescue.RequestTimeout, 'req/slow');
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => a.request('req/slow', String(n % 10))));
  assert.deepEqual(texts(answers), Array.from({ length: 200 }, (_, n) => String(n % 10)));
});

test('closing a subscription ends its iteration', async (t) => {
  const [, a] = await setup(t);
  const messages = await a.subscribe('t/x');
  await a.publish('t/x', '1', { confirm: true });
  await take(messages, 1);
  await messages.close();
  await a.publish('t/x', '2', { confirm: true });
  for await (const message of messages) assert.fail(message.text());
  await messages.close();
});

test('closing the client ends iterations, after what was published has arrived', async (t) => {
  const [, a, b] = await setup(t, 2);
  const there = await b.subscribe('t/x', { queue: 5000 });
  const messages = await a.subscribe('t/none');
  const iteration = (async () => {
    for await (const message of messages) assert.fail(message.text());
  })();
  for (let n = 0; n < 2000; n++) await a.publish('t/x', String(n));
  await a.close();
  await iteration;
  assert.equal((await take(there, 2000)).at(-1).text(), '1999');
  await rejects(a.publish('t/x'), fescue.ClientClosed);
  await rejects(a.request('t/x'), fescue.ClientClosed);
  await a.close();
});

test('drop-oldest keeps the newest, and tells', async (t) => {
  const errors = [];
  const [broker, a] = await setup(t);
  const b = await connect(t, broker, { onError: (error) => errors.push(error) });
  const messages = await b.subscribe('t/x', { queue: 4 });
  const other = await b.subscribe('t/other');
  for (let n = 0; n < 20_000; n++) await a.publish('t/x', String(n));
  await a.publish('t/other', 'end', { confirm: true });
  await take(other, 1);
  const got = [];
  for (let m = await messages.next({ timeout: 300 }); m; m = await messages.next({ timeout: 300 })) got.push(Number(m.text()));
  assert.deepEqual(got, got.toSorted?.((x, y) => x - y) ?? [...got].sort((x, y) => x - y));
  assert.equal(got.at(-1), 19_999);
  assert(errors.some((e) => e instanceof fescue.Overflow));
});

test('permission taken away while running', async (t) => {
  const [broker, a] = await setup(t);
  const messages = await a.subscribe('t/x');
  await a.publish('t/x', '1', { confirm: true });
  await a.publish('t/y', 'register it');
  await a.drain(); // else this message may be the first that is refused
  await broker.grant('app', TOKEN, { subscribe: ['t/other'], publish: ['t/other'] });
  assert.deepEqual(texts(await take(messages, 1)), ['1']);
  await rejects(messages.next(), fescue.PermissionDenied);
  await rejects(
    (async () => {
      for (let n = 0; n < 100; n++) {
        await a.publish('t/y', 'x');
        await a.drain();
      }
    })(),
    fescue.PermissionDenied,
  );
  await a.publish('t/other', 'x', { confirm: true });
});

test('log', async (t) => {
  const [broker, a] = await setup(t);
  await a.log('warning', 'leading coefficient is 0');
  await a.drain();
  assert.deepEqual((await broker.do({ logs: {} })).logs, [['app', 2, 'leading coefficient is 0']]);
});

function program(t, broker, text) {
  const index = new URL('../src/index.js', import.meta.url);
  const env = { ...process.env, FESCUE_EXCHANGE: broker.address, FESCUE_TOKEN: TOKEN };
  const code = `import * as fescue from ${JSON.stringify(index)};\n${text}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (output.out += chunk));
  child.stderr.on('data', (chunk) => (output.err += chunk));
  return { child, ended: once(child, 'close').then(([status]) => ({ status, ...output })) };
}

test('a program with handlers runs until SIGTERM', async (t) => {
  const [broker, a] = await setup(t);
  const out = await a.subscribe('t/out');
  const service = program(
    t,
    broker,
    `const client = await fescue.connect();
     await client.subscribe('t/in', (m) => client.publish('t/out', m.text().toUpperCase()));
     await client.respond('req/up', (m) => m.text().toUpperCase());
     const running = client.run();
     await client.publish('t/out', 'ready');
     await running;
     console.log('ended in order');`,
  );
  assert.deepEqual(texts(await take(out, 1)), ['ready']);
  await a.publish('t/in', 'abc');
  assert.deepEqual(texts(await take(out, 1)), ['ABC']);
  assert.equal((await a.request('req/up', 'abc')).text(), 'ABC');
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, { status: 0, out: 'ended in order\n', err: '' });
});

test('a program fails when its token is no longer known', async (t) => {
  const [broker, a] = await setup(t);
  const out = await a.subscribe('t/out');
  const service = program(
    t,
    broker,
    `const client = await fescue.connect({ tokenPatience: 200 });
     const running = client.run();
     await client.publish('t/out', 'ready');
     await running;`,
  );
  await take(out, 1);
  await broker.do({ revoke: 'app' });
  const { status, err } = await service.ended;
  assert.equal(status, 1);
  assert.match(err, /Unauthenticated/);
});
