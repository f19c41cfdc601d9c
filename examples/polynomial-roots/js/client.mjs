// The client: publishes polynomials, one a second, and prints the roots as they arrive.

import { connect } from 'fescue';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 3000;
const SERIES = [
  [1, -3, 2],
  [1, 0, 1],
  [1, -3, 3, -1],
  [2, 0, 0, 0, -2],
  [1, [0, -1], 0, [2, 3]],
  [1, 0, -7, 6, 0, 0],
  [1, -15, 85, -225, 274, -120],
  [1e-9, 3, -1e9],
  [1, 'two', 3],
];

const me = randomBytes(3).toString('hex');
const client = await connect();
const answers = await client.subscribe('poly/roots');
process.once('SIGTERM', () => client.close().then(() => process.exit()));

for (let count = 0; ; count++) {
  const coefficients = SERIES[count % SERIES.length];
  await client.publish('poly/request', { id: `${me}-${count}`, coefficients });
  console.log(describe(coefficients, await answerWith(`${me}-${count}`)));
  await sleep(1000);
}

/** The answer with this id; undefined if it does not come: the server may not be running yet. */
async function answerWith(id) {
  const deadline = performance.now() + PATIENCE;
  for (let left = PATIENCE; left > 0; left = deadline - performance.now()) {
    const answer = (await answers.next({ timeout: left }))?.json();
    if (answer?.id === id) return answer;
  }
  return undefined;
}

/** A line for people. */
function describe(coefficients, answer) {
  const asked = `roots of ${JSON.stringify(coefficients).replaceAll(',', ', ')}`;
  if (!answer) return `${asked}: no answer yet`;
  return `${asked}: ${answer.error ? `error: ${answer.error}` : answer.roots.map(shown).join(', ')}`;
}

/** A complex number with six digits, without a part that is 0. */
function shown([re, im]) {
  const [x, y] = [re, im].map((part) => String(Number(part.toPrecision(6))));
  if (im === 0) return x;
  if (re === 0) return `${y}i`;
  return `${x}${im > 0 ? '+' : ''}${y}i`;
}
