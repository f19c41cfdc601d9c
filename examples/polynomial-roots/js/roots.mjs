// All complex roots of a polynomial, by Aberth's and Ehrlich's simultaneous iteration (O. Aberth,
// Math. Comp. 27, 1973) from Bini's starting points (D. Bini, Numerical Algorithms 13, 1996).

import { Complex } from './complex.mjs';

const EPSILON = Number.EPSILON / 2;
const ROUNDS = 300; // far more than needed

/** The roots, as many as the degree, ordered by real and then imaginary part; coefficients by falling power. */
export function solve(coefficients) {
  const rising = coefficients.slice().reverse();
  while (rising.length > 0 && rising.at(-1).isZero) rising.pop(); // leading zeros
  if (rising.length === 0) throw new RangeError('coefficients: all are 0, so every number is a root');
  const zeros = rising.findIndex((a) => !a.isZero); // roots that are exactly 0
  const found = [...Array(zeros).fill(new Complex(0)), ...nonzeroRoots(rising.slice(zeros))];
  return found.map((z) => new Complex(z.re + 0, z.im + 0)).sort((a, b) => a.re - b.re || a.im - b.im);
}

/** With x = y * scale the roots' geometric mean is about 1, and no power overflows. */
function nonzeroRoots(rising) {
  const degree = rising.length - 1;
  if (degree === 0) return [];
  const shift = Math.round((Math.log2(rising[0].size) - Math.log2(rising[degree].size)) / degree);
  const exponents = rising.map((a, k) => Math.log2(a.size) + k * shift);
  const top = Math.floor(Math.max(...exponents));
  const scaled = rising.map((a, k) => power(a, k * shift - top));
  if (scaled[0].isZero || scaled[degree].isZero) throw new RangeError('coefficients: their sizes differ too much for numbers of 64 bits');
  return new Aberth(scaled).run().map((y) => {
    const x = power(y, shift);
    if (!Number.isFinite(x.size)) throw new RangeError('coefficients: a root is too large for a number of 64 bits');
    return x;
  });
}

/** z * 2**exponent, in steps that do not overflow on the way. */
function power(z, exponent) {
  let [result, left] = [z, exponent];
  for (; left > 1000; left -= 1000) result = result.scaled(2 ** 1000);
  for (; left < -1000; left += 1000) result = result.scaled(2 ** -1000);
  return result.scaled(2 ** left);
}

/** The iteration, for coefficients by rising power, of which the first and last are not 0. */
class Aberth {
  constructor(rising) {
    this.degree = rising.length - 1;
    this.rising = rising;
    this.falling = rising.slice().reverse();
    // Bini's bound of the rounding error of Horner's rule at z: sum of (4k+1)|a[k]||z|^k, times epsilon.
    this.bounds = rising.map((a, k) => a.size * (4 * k + 1));
    this.boundsFalling = this.bounds.slice().reverse();
    this.real = rising.every((a) => a.im === 0);
  }

  run() {
    const z = this.startingPoints();
    let moving = [...z.keys()];
    for (let round = 0; round < ROUNDS && moving.length > 0; round++) moving = moving.filter((i) => this.improve(z, i));
    return this.real ? z.map((x) => this.onAxis(x)) : z;
  }

  /** For each edge of the Newton polygon, as many points on a circle as the edge is long. */
  startingPoints() {
    const points = this.rising.map((a, k) => [k, Math.log(a.size)]).filter(([, y]) => y !== -Infinity);
    const corners = upperHull(points);
    const z = [];
    for (let c = 0; c + 1 < corners.length; c++) {
      const [[k, a], [m, b]] = [corners[c], corners[c + 1]];
      const radius = Math.exp((a - b) / (m - k));
      for (let j = 0; j < m - k; j++) {
        const angle = 2 * Math.PI * (j / (m - k) + z.length / this.degree) + 0.7;
        z.push(new Complex(radius * Math.cos(angle), radius * Math.sin(angle)));
      }
    }
    return z;
  }

  /** One step of root i; tells whether it can be made better still. */
  improve(z, i) {
    const x = z[i];
    const { step: newton, error } = this.newton(x);
    if (error === 0) return false;
    let repulsion = new Complex(0);
    let twins = 0;
    for (const other of z) {
      if (other.re !== x.re || other.im !== x.im) repulsion = repulsion.plus(new Complex(1).over(x.minus(other)));
      else twins++;
    }
    const divisor = new Complex(1).minus(newton.times(repulsion));
    let step = divisor.isZero ? newton : newton.over(divisor);
    if (error < 1) {
      // As good as rounding lets us be sure of; go on while it visibly helps.
      if (this.newton(x.minus(step)).error > error / 2) return false;
    } else if (twins > 1) {
      // Two approximations in one place would stay together: part them.
      const apart = ((x.size || 1) * 1e-8 * (i + 1)) / this.degree;
      step = step.plus(new Complex(apart, apart));
    }
    z[i] = x.minus(step);
    return step.size > EPSILON * z[i].size;
  }

  /** Newton's step p(x)/p'(x), and |p(x)| in units of what rounding may have made of it. */
  newton(x) {
    const { size } = x;
    if (size <= 1) {
      const { value, slope } = horner(this.falling, x);
      const error = value.size / (EPSILON * absolute(this.boundsFalling, size));
      return { step: slope.isZero ? new Complex(0.1 * size + 1e-3) : value.over(slope), error };
    }
    // Outside the unit circle powers overflow: take the reversed polynomial q(w) = w^n p(1/w), w = 1/x.
    const w = new Complex(1).over(x);
    const { value, slope } = horner(this.rising, w);
    const error = value.size / (EPSILON * absolute(this.bounds, 1 / size));
    if (error === 0) return { step: new Complex(0), error };
    const ratio = new Complex(this.degree).minus(w.times(slope).over(value)).times(w); // p'(x)/p(x)
    return { step: ratio.isZero ? x.scaled(0.1) : new Complex(1).over(ratio), error };
  }

  /** Of a real polynomial's root whose imaginary part is rounding, the real part. */
  onAxis(x) {
    if (x.im === 0 || Math.abs(x.im) > 1e-3 * x.size || x.re === 0) return x;
    const real = new Complex(x.re);
    return this.newton(real).error < 1 ? real : x;
  }
}

/** Value and derivative at x, coefficients by falling power. */
function horner(falling, x) {
  let value = new Complex(0);
  let slope = new Complex(0);
  for (const a of falling) {
    slope = slope.times(x).plus(value);
    value = value.times(x).plus(a);
  }
  return { value, slope };
}

/** A polynomial with positive coefficients at a positive number. */
function absolute(falling, size) {
  return falling.reduce((value, a) => value * size + a, 0);
}

/** The corners of the upper convex hull of points ordered by their first coordinate. */
function upperHull(points) {
  const hull = [];
  for (const [x, y] of points) {
    while (hull.length > 1) {
      const [[x1, y1], [x2, y2]] = hull.slice(-2);
      if ((x2 - x1) * (y - y1) < (y2 - y1) * (x - x1)) break;
      hull.pop();
    }
    hull.push([x, y]);
  }
  return hull;
}
