/** A client is never silently deaf: it comes back, or it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fescue from '../src/index.js';
import * as wire from '../src/wire.js';
import { Broker, TOKEN } from './broker.js';
import { change, delivery, message, Peer } from './peer.js';

const { TYPE } = wire;

async function connect(t, address, options = {}) {
  const client = await fescue.connect({ address, token: TOKEN, ...options });
  t.after(() => client.close());
  return client;
}

for (const how of ['kill', 'stop']) {
  test(`subscriptions and registrations are made anew after ${how}`, async (t) => {
    const broker = await Broker.for(t);
    const [a, b] = [await connect(t, broker.address), await connect(t, broker.address)];
    const heard = [];
    const messages = await b.subscribe('t/#', { policy: 'block' });
    await b.subscribe('t/c', (m) => heard.push(m.text()));
    await b.respond('req/x', (m) => m.payload);
    await a.publish('t/x', 'before');
    assert.equal((await messages.next({ timeout: 5000 })).text(), 'before');
    if (how === 'kill') await broker.kill();
    else await broker.end();
    await broker.start();
    const deadline = performance.now() + 20_000;
    for (let got; got?.text() !== 'after' || heard.length === 0; got = await messages.next({ timeout: 50 })) {
      assert(performance.now() < deadline, 'it did not come back');
      await a.publish('t/x', 'after');
      await a.publish('t/c', 'after');
    }
    assert.equal((await a.request('req/x', 'there again')).text(), 'there again');
  });
}

test('a revoked application is told', async (t) => {
  const broker = await Broker.for(t);
  const a = await connect(t, broker.address, { tokenPatience: 300 });
  const messages = await a.subscribe('t/#');
  await broker.do({ revoke: 'app' });
  await assert.rejects(messages.next(), (e) => e instanceof fescue.PermissionDenied || e instanceof fescue.Unauthenticated);
  await assert.rejects(
    (async () => {
      for (;;) await a.publish('t/x', 'x', { confirm: true }).catch((e) => e instanceof fescue.ConnectionLost || Promise.reject(e));
    })(),
    (e) => e instanceof fescue.Unauthenticated || e instanceof fescue.PermissionDenied,
  );
});

test('publishing waits for the link, and then gives up', async (t) => {
  const broker = await Broker.for(t);
  const a = await connect(t, broker.address, { timeout: 500 });
  await a.publish('t/x', 'x');
  await broker.kill();
  await assert.rejects(
    (async () => {
      for (;;) await a.publish('t/x', 'x');
    })(),
    fescue.ConnectionLost,
  );
  await broker.start();
  await a.publish('t/x', 'x', { confirm: true });
});

test('a request under way is told of the loss', async (t) => {
  const broker = await Broker.for(t);
  const [a, b] = [await connect(t, broker.address), await connect(t, broker.address)];
  const asked = new Promise((resolve) => void b.respond('req/never', () => (resolve(), new Promise(() => {}))));
  await b.drain();
  const answer = a.request('req/never');
  const told = assert.rejects(answer, fescue.ConnectionLost);
  await asked;
  await broker.kill();
  await told;
});

test('goodbye, and connecting again', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const first = await peer.accept();
  const client = await connecting;
  const subscribing = client.subscribe('t/#');
  const { id, body } = await first.grant(TYPE.SUBSCRIBE);
  const messages = await subscribing;
  first.send(message(id, 't/1', 'first'), wire.goodbye(14, 'the agent restarts'));
  first.close();
  assert.equal((await messages.next()).text(), 'first');
  const second = await peer.accept();
  assert.deepEqual(await second.grant(TYPE.SUBSCRIBE), { type: TYPE.SUBSCRIBE, id, body });
  second.send(message(id, 't/2', 'second'));
  assert.equal((await messages.next()).text(), 'second');
  const closing = client.close();
  await second.expect(TYPE.GOODBYE);
  second.close();
  await closing;
});

test('what is not of the protocol ends the link', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const first = await peer.accept();
  const client = await connecting;
  const subscribing = client.subscribe('t/#');
  const { id } = await first.grant(TYPE.SUBSCRIBE);
  const messages = await subscribing;
  first.send(wire.frame(0x7f, 1));
  assert.equal(await first.next(), null);
  const second = await peer.accept();
  await second.grant(TYPE.SUBSCRIBE);
  second.send(message(id, 't/2', 'sane again'));
  assert.equal((await messages.next()).text(), 'sane again');
  second.close();
});

test('a broker that does not answer', async (t) => {
  const peer = await Peer.for(t);
  const refused = assert.rejects(connect(t, peer.address, { timeout: 300 }), /HELLO/);
  await peer.accept({ greet: false });
  await refused;
  const connecting = connect(t, peer.address, { timeout: 300 });
  const talk = await peer.accept();
  const client = await connecting;
  await assert.rejects(client.subscribe('t/#'), /SUBSCRIBE/);
  talk.close();
});

test('ping is answered, and errors come with the next call', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const talk = await peer.accept();
  const client = await connecting;
  const publishing = client.publish('t/x', '1');
  const { id } = await talk.grant(TYPE.REGISTER);
  await publishing;
  assert.equal(String((await talk.expect(TYPE.PUBLISH)).body), '1');
  talk.send(wire.error(id, 6, TYPE.PUBLISH, 't/x', 'too large'), wire.frame(TYPE.PING, 9, Buffer.from('abc')));
  assert.equal(String((await talk.expect(TYPE.PONG)).body), 'abc');
  await assert.rejects(client.publish('t/x', '2'), fescue.TooLarge);
  talk.close();
});

test('frames that the broker does not know of are refused here', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const talk = await peer.accept();
  const client = await connecting;
  for (const call of [client.state.get('x'), client.store('t/x'), client.consume('t/x', { place: 'p' }), client.history('t/x')]) {
    await assert.rejects(call, (error) => error.code === 'unsupported');
  }
  talk.close();
  await sleep(1);
});

test('what was not yet stored is sent again with the same id', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const first = await peer.accept({ capabilities: 0x7f });
  const client = await connecting;
  const storing = client.store('t/x', 'once');
  const { body } = await first.expect(TYPE.STORE);
  first.close();
  const second = await peer.accept({ capabilities: 0x7f });
  const again = await second.grant(TYPE.STORE);
  assert.deepEqual(again.body, body);
  await storing;
  second.close();
});

test('a delivery is done when its handler has returned, and comes again if it throws', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const talk = await peer.accept({ capabilities: 0x7f });
  const client = await connecting;
  const handle = async (delivery) => {
    if (delivery.attempt === 1) throw new Error('on purpose');
  };
  const consuming = client.consume('t/x', handle, { place: 'here', window: 8 });
  const { id } = await talk.grant(TYPE.CONSUME);
  await consuming;
  for (const attempt of [1, 2]) {
    talk.send(delivery(id, 7, attempt, 't/x', 'payload'));
    const ack = await talk.expect(TYPE.ACK);
    assert.deepEqual([ack.id, Number(ack.body.readBigUInt64LE(0)), ack.body[8]], [id, 7, attempt === 1 ? 1 : 0]);
  }
  talk.close();
});

test('a watch is asked for again, and its changes go on', async (t) => {
  const peer = await Peer.for(t);
  const connecting = connect(t, peer.address);
  const first = await peer.accept({ capabilities: 0x7f });
  const client = await connecting;
  const watching = client.state.watch('rooms/#');
  const { body } = await first.grant(TYPE.WATCH);
  const changes = await watching;
  first.close();
  const second = await peer.accept({ capabilities: 0x7f });
  const { id, body: again } = await second.grant(TYPE.WATCH);
  assert.deepEqual(again, body);
  second.send(change(id, 0, 'rooms/attic', 'warm'));
  const { kind, key, ...value } = await changes.next();
  assert.deepEqual([kind, key, String(value.value)], ['put', 'rooms/attic', 'warm']);
  second.close();
});
