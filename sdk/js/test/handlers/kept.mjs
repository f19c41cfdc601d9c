// What contexts can do with state, kept topics and requests.
import * as fescue from '../../src/index.js';

const caught = (promise) => promise.then(() => 'nothing', (error) => error);

export async function state(event, { state }) {
  const before = await state.get('n');
  const first = await state.put('n', { n: event });
  const conflict = await caught(state.put('n', 0, { revision: first + 5 }));
  await state.put('rooms/a', '1', { ttl: 3600 });
  const keys = [await state.keys(), await state.keys('rooms/#'), await state.keys('none/#')];
  await state.delete('rooms/a');
  const now = await state.get('n');
  return {
    before: before?.json() ?? null,
    now: now.json(),
    same: now.revision === first,
    conflict: conflict instanceof fescue.Conflict,
    keys,
    gone: (await state.get('rooms/a')) === undefined,
  };
}

export async function together(event, { state }) {
  const one = async (_, n) => {
    await state.put(`n/${n}`, n);
    return (await state.get(`n/${n}`)).json();
  };
  return Promise.all(Array.from({ length: event }, one));
}

export async function kept(event, context) {
  const topic = `t/kept/${event}`;
  for (let n = 0; n < 3; n++) await context.store(topic, n);
  const past = await context.history(topic);
  const [last] = await context.history(topic, { limit: 1, newest: true });
  const missing = await caught(context.store('t/loose', 1));
  return [past.map((m) => m.json()), last.json(), last.topic, await context.history('t/kept/none'), missing.name];
}

export async function request(event, context) {
  const answer = await context.request('req/double', event);
  const nobody = await caught(context.request('req/nobody', '', { timeout: 5000 }));
  return [answer.json(), answer.topic, nobody.name, nobody.topic];
}

export async function denied(event, context) {
  const errors = [await caught(context.history('secret/x')), await caught(context.store('secret/x', 1))];
  return errors.map((error) => [error.name, error.topic]);
}
