// Requests for roots and their answers, as ../README.md says. `handler` is the function's.

import { Complex } from './complex.mjs';
import { solve } from './roots.mjs';

/** Called for each event: what `fescue invoke` and the trigger call. */
export const handler = async (event) => answer(event);

/** The answer to a request; never an exception. The request is JSON's bytes, or what they mean. */
export function answer(request) {
  let known = null;
  try {
    const asked = request instanceof Uint8Array ? parsed(request) : request;
    if (asked === null || typeof asked !== 'object' || Array.isArray(asked)) {
      throw new RangeError('a request is an object: {"id": 1, "coefficients": [1, 0, -1]}');
    }
    known = identity(asked.id ?? null);
    return { id: known, roots: solve(numbers(asked.coefficients)).map((z) => [z.re, z.im]) };
  } catch (error) {
    return { id: known, error: error.message };
  }
}

function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new RangeError('the request is not JSON');
  }
}

/** The request's id, given back in its answer. */
function identity(value) {
  if (value === null || typeof value === 'string' || Number.isSafeInteger(value)) return value;
  throw new RangeError('id: it is a string or an integer');
}

function numbers(values) {
  if (!Array.isArray(values)) throw new RangeError('coefficients: a list of numbers is wanted, the one of the highest power first');
  if (values.length === 0) throw new RangeError('coefficients: there are none');
  return values.map((v, i) => number(v, `coefficients[${i}]`));
}

/** One coefficient: a number, or [real, imaginary]. */
function number(value, where) {
  const parts = Array.isArray(value) && value.length === 2 ? value : [value, 0];
  for (const part of parts) {
    if (typeof part !== 'number') {
      throw new RangeError(`${where}: a number or [real, imaginary] is wanted, not ${JSON.stringify(value).slice(0, 40)}`);
    }
    if (!Number.isFinite(part)) throw new RangeError(`${where}: ${part} is not finite`);
  }
  return new Complex(...parts);
}
