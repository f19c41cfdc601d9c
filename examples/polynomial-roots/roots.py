"""All complex roots of a polynomial, and the function that answers requests for them.

The method is Aberth's and Ehrlich's simultaneous iteration (O. Aberth, Math. Comp. 27, 1973) from
Bini's starting points, which lie on circles whose radii the coefficients' Newton polygon gives
(D. Bini, Numerical Algorithms 13, 1996). Pure Python; degree 100 takes 20 ms.
"""

import json
import math
import sys

EPSILON = sys.float_info.epsilon / 2
ROUNDS = 300  # far more than needed: 10 to 20 for simple roots, some 60 for multiple ones


def handle(event, context):
    """Answers a request: what `fescue invoke` and the trigger call."""
    return answer(event if event is not None else b"")


def answer(request):
    """The answer to a request, as in README.md; never an exception.

    The request is JSON's bytes, or what they mean.
    """
    known = None
    try:
        if isinstance(request, (bytes, str)):
            request = json.loads(request)
        if not isinstance(request, dict):
            raise ValueError('a request is an object: {"id": 1, "coefficients": [1, 0, -1]}')
        known = identity(request.get("id"))
        found = solve(numbers(request.get("coefficients")))
    except (ValueError, RecursionError) as e:
        text = "the request is not JSON" if isinstance(e, (json.JSONDecodeError, UnicodeDecodeError)) else str(e)
        return {"id": known, "error": text}
    return {"id": known, "roots": [[z.real, z.imag] for z in found]}


def identity(value):
    """The request's id, given back in its answer."""
    if value is None or (isinstance(value, (str, int)) and not isinstance(value, bool)):
        return value
    raise ValueError("id: it is a string or an integer")


def numbers(values):
    """The coefficients as pairs of real and imaginary part; ValueError says which one is none."""
    if not isinstance(values, list):
        raise ValueError("coefficients: a list of numbers is wanted, the one of the highest power first")
    return [number(v, f"coefficients[{i}]") for i, v in enumerate(values)]


def number(value, where):
    """One coefficient: a number, or [real, imaginary]."""
    parts = value if isinstance(value, list) and len(value) == 2 else [value, 0]
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, (int, float)):
            raise ValueError(f"{where}: a number or [real, imaginary] is wanted, not {json.dumps(value)[:40]}")
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError(f"{where}: {part} is not finite")
    return tuple(parts)


def solve(coefficients):
    """The roots, as many as the degree, ordered by real and then imaginary part.

    Coefficients are pairs (real, imaginary) or numbers, the one of the highest power first. A
    constant has no roots; the zero polynomial, of which every number is one, is a ValueError.
    """
    pairs = [c if isinstance(c, tuple) else (c.real, c.imag) for c in coefficients]
    if not pairs:
        raise ValueError("coefficients: there are none")
    rising = [scaled(p) for p in reversed(pairs)]
    while rising and rising[-1][0] == 0:
        rising.pop()  # leading zeros
    if not rising:
        raise ValueError("coefficients: all are 0, so every number is a root")
    zeros = 0
    while rising[zeros][0] == 0:
        zeros += 1  # roots that are exactly 0
    found = [0j] * zeros + nonzero_roots(rising[zeros:])
    found = [complex(z.real + 0.0, z.imag + 0.0) for z in found]  # no -0.0
    return sorted(found, key=lambda z: (z.real, z.imag))


def scaled(pair):
    """A number as (m, e), m * 2**e, with |m| about 1: integers of any size have room in it."""
    parts = []
    for part in pair:
        shift = max(0, part.bit_length() - 64) if isinstance(part, int) else 0
        mantissa, exponent = math.frexp(float(part >> shift if shift else part))
        parts.append((mantissa, exponent + shift))
    exponent = max((e for m, e in parts if m), default=0)
    real, imaginary = (math.ldexp(m, max(e - exponent, -2000)) if m else 0.0 for m, e in parts)
    return complex(real, imaginary), exponent


def nonzero_roots(rising):
    """The roots of a polynomial whose first and last coefficients are not 0; (m, e) by rising power."""
    degree = len(rising) - 1
    if degree == 0:
        return []
    # With x = y * 2**shift the roots' geometric mean is about 1, and no coefficient overflows.
    shift = round((log2(rising[0]) - log2(rising[-1])) / degree)
    exponents = [e + k * shift for k, (_, e) in enumerate(rising)]
    top = max(e for e, (m, _) in zip(exponents, rising) if m)
    scaled_down = [multiply(m, max(e - top, -2000)) for e, (m, _) in zip(exponents, rising)]
    if scaled_down[0] == 0 or scaled_down[-1] == 0:
        raise ValueError("coefficients: their sizes differ too much for numbers of 64 bits")
    found = Aberth(scaled_down).run()
    try:
        return [multiply(y, shift) for y in found]
    except OverflowError:
        raise ValueError("coefficients: a root is too large for a number of 64 bits") from None


def log2(coefficient):
    mantissa, exponent = coefficient
    return math.log2(abs(mantissa)) + exponent


def multiply(z, exponent):
    """z * 2**exponent."""
    return complex(math.ldexp(z.real, exponent), math.ldexp(z.imag, exponent))


class Aberth:
    """The iteration, for coefficients by rising power, of which the first and last are not 0."""

    def __init__(self, rising):
        self.degree = len(rising) - 1
        self.falling = rising[::-1]
        self.rising = rising
        # Bini's bound of the rounding error of Horner's rule at z: sum of (4k+1)|a[k]||z|^k, times epsilon.
        self.bounds = [abs(a) * (4 * k + 1) for k, a in enumerate(rising)]
        self.real = all(a.imag == 0 for a in rising)

    def run(self):
        """The roots."""
        z = self.starting_points()
        moving = list(range(self.degree))
        for _ in range(ROUNDS):
            moving = [i for i in moving if self.improve(z, i)]
            if not moving:
                break
        return [self.on_axis(x) for x in z] if self.real else z

    def starting_points(self):
        """For each edge of the Newton polygon, as many points on a circle as the edge is long."""
        corners = upper_hull([(k, math.log(abs(a))) for k, a in enumerate(self.rising) if a])
        points = []
        for (k, a), (m, b) in zip(corners, corners[1:]):
            radius = math.exp(min(max((a - b) / (m - k), -700), 700))
            for j in range(m - k):
                angle = 2 * math.pi * (j / (m - k) + len(points) / self.degree) + 0.7
                points.append(complex(radius * math.cos(angle), radius * math.sin(angle)))
        return points

    def improve(self, z, i):
        """One step of root i; tells whether it can be made better still."""
        x = z[i]
        step, error = self.newton(x)
        if error == 0:
            return False
        repulsion = 0j
        for other in z:
            if other != x:
                repulsion += 1 / (x - other)
        divisor = 1 - step * repulsion
        step = step / divisor if divisor else step
        if error < 1:  # as good as rounding lets us be sure of; go on while it visibly helps
            if self.newton(x - step)[1] > error / 2:
                return False
        elif z.count(x) > 1:  # two approximations in one place would stay together: part them
            step += (abs(x) or 1) * complex(1e-8, 1e-8) * (i + 1) / self.degree
        z[i] = x - step
        return abs(step) > EPSILON * abs(z[i])

    def newton(self, x):
        """Newton's step p(x)/p'(x), and |p(x)| in units of what rounding may have made of it."""
        size = abs(x)
        if size <= 1:
            value, slope = horner(self.falling, x)
            error = abs(value) / (EPSILON * absolute(reversed(self.bounds), size))
            return value / slope if slope else complex(0.1 * size + 1e-3), error
        # Outside the unit circle, powers overflow: take the reversed polynomial q(w) = w^n p(1/w), w = 1/x.
        w = 1 / x
        value, slope = horner(self.rising, w)
        error = abs(value) / (EPSILON * absolute(self.bounds, 1 / size))
        if error == 0:
            return 0j, 0.0
        ratio = (self.degree - w * slope / value) * w  # p'(x)/p(x)
        return 1 / ratio if ratio else 0.1 * x, error

    def on_axis(self, x):
        """Of a real polynomial's root whose imaginary part is rounding, the real part."""
        if x.imag == 0 or abs(x.imag) > 1e-3 * abs(x):
            return x
        return complex(x.real) if x.real and self.newton(complex(x.real))[1] < 1 else x


def horner(falling, x):
    """Value and derivative at x, coefficients by falling power."""
    value, slope = 0j, 0j
    for a in falling:
        slope = slope * x + value
        value = value * x + a
    return value, slope


def absolute(falling, size):
    """A polynomial with positive coefficients at a positive number."""
    value = 0.0
    for a in falling:
        value = value * size + a
    return value


def upper_hull(points):
    """The corners of the upper convex hull of points ordered by their first coordinate."""
    hull = []
    for x, y in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (y - y1) < (y2 - y1) * (x - x1):
                break
            hull.pop()
        hull.append((x, y))
    return hull
