// Tests of the solver and of the answers; run by `node --test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from './answer.mjs';

const ask = (coefficients) => answer({ id: 1, coefficients });

/** |p(z)| relative to the size of p's terms at z. */
function residual(coefficients, [re, im]) {
  let [x, y, size] = [0, 0, 0];
  for (const a of coefficients) {
    const [p, q] = Array.isArray(a) ? a : [a, 0];
    [x, y] = [x * re - y * im + p, x * im + y * re + q];
    size = size * Math.hypot(re, im) + Math.hypot(p, q);
  }
  return size === 0 ? 0 : Math.hypot(x, y) / size;
}

for (const coefficients of [
  [1, -3, 2],
  [1, 0, 1],
  [1, -3, 3, -1],
  [2, 0, 0, 0, -2],
  [1, [0, -1], 0, [2, 3]],
  [1, 0, -7, 6, 0, 0],
  [1, -15, 85, -225, 274, -120],
  [1e-9, 3, -1e9],
  [1, ...Array(99).fill(0), -1],
  Array.from({ length: 51 }, (_, n) => Math.sin(n + 1)),
]) {
  test(`roots of degree ${coefficients.length - 1}: ${JSON.stringify(coefficients).slice(0, 40)}`, () => {
    const { id, roots, error } = ask(coefficients);
    assert.deepEqual([id, error, roots.length], [1, undefined, coefficients.length - 1]);
    for (const root of roots) assert(residual(coefficients, root) < 1e-13, `${root} is no root`);
  });
}

for (const [coefficients, roots] of [
  [[5], []],
  [[5, 0], [[0, 0]]],
  [[0, 0, 1, -1], [[1, 0]]],
  [[1, -3, 2], [[1, 0], [2, 0]]],
  [[1e-300, 0, 1e300], [[0, -1e300], [0, 1e300]]],
]) {
  test(`exactly: ${JSON.stringify(coefficients)}`, () => {
    const found = ask(coefficients).roots;
    assert.equal(found.length, roots.length);
    for (const [n, [re, im]] of roots.entries()) {
      assert(Math.hypot(found[n][0] - re, found[n][1] - im) <= 1e-14 * Math.hypot(re, im), `${found[n]} is not ${roots[n]}`);
    }
  });
}

for (const [request, part] of [
  [{ coefficients: 'x' }, 'a list of numbers'],
  [{ coefficients: [] }, 'there are none'],
  [{ coefficients: [1, null] }, 'coefficients[1]'],
  [{ coefficients: [1, '2'] }, 'not "2"'],
  [{ coefficients: [1, [1, 2, 3]] }, 'coefficients[1]'],
  [{ coefficients: [0, 0] }, 'every number is a root'],
  [{ coefficients: [1, Infinity] }, 'not finite'],
  [{ coefficients: [5e-324, 1e308] }, 'too large'],
  [{ id: 1.5, coefficients: [1, 1] }, 'id'],
  [[], 'an object'],
  [null, 'an object'],
  [Buffer.from('nonsense'), 'not JSON'],
  [Buffer.from([0xff]), 'not JSON'],
]) {
  test(`a bad request is answered: ${part}`, () => {
    const { roots, error } = answer(request);
    assert.equal(roots, undefined);
    assert(error.includes(part), error);
  });
}
