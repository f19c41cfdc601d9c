"""Tests of the solver: residuals, reconstruction, edges, and answers to bad requests."""

import json
import math
import random

import pytest
import roots

try:
    import numpy
except ImportError:
    numpy = None


def residual(falling, z):
    """|p(z)| relative to the size of its terms at z, without overflow: 1e-15 is rounding."""
    if abs(z) > 1:
        falling, z = falling[::-1], 1 / z
    value, size = 0j, 0.0
    for a in falling:
        value = value * z + a
        size = size * abs(z) + abs(a)
    return abs(value) / size


def product(found, leading=1):
    """The coefficients of leading * (x - r) for all r: Vieta's formulas."""
    falling = [complex(leading)]
    for r in found:
        falling = [a - r * b for a, b in zip(falling + [0], [0] + falling)]
    return falling


def random_coefficients(generator, degree, complex_ones):
    def one():
        size = 10 ** generator.uniform(-3, 3)
        return size * complex(generator.gauss(0, 1), generator.gauss(0, 1) if complex_ones else 0)

    return [one() for _ in range(degree + 1)]


@pytest.mark.parametrize("seed", range(60))
def test_residuals_are_rounding(seed):
    generator = random.Random(seed)
    degree = generator.randint(1, 50)
    falling = random_coefficients(generator, degree, seed % 2)
    found = roots.solve(falling)
    assert len(found) == degree
    assert max(residual(falling, z) for z in found) < 1e-13


@pytest.mark.parametrize("seed", range(30))
def test_roots_make_the_polynomial_again(seed):
    generator = random.Random(1000 + seed)
    degree = generator.randint(1, 12)
    falling = random_coefficients(generator, degree, seed % 2)
    again = product(roots.solve(falling), falling[0])
    largest = max(abs(a) for a in falling)
    assert max(abs(a - b) for a, b in zip(falling, again)) < 1e-8 * largest


@pytest.mark.parametrize("seed", range(30))
def test_known_roots_are_found(seed):
    generator = random.Random(2000 + seed)
    angles = sorted(generator.uniform(0, 6.28) for _ in range(generator.randint(1, 10)))
    wanted = [(1 + k / 3) * complex(math.cos(a), math.sin(a)) for k, a in enumerate(angles)]
    found = roots.solve(product(wanted))
    for w in wanted:
        assert min(abs(w - z) for z in found) < 1e-8 * abs(w)


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_numpy(seed):
    if numpy is None:
        pytest.skip("numpy is not installed")
    generator = random.Random(3000 + seed)
    falling = [generator.gauss(0, 1) for _ in range(generator.randint(2, 50))]
    theirs = list(numpy.roots(falling))
    for z in roots.solve(falling):
        nearest = min(theirs, key=lambda t: abs(t - z))
        assert abs(nearest - z) < 1e-8 * max(1, abs(z))
        theirs.remove(nearest)


@pytest.mark.parametrize(
    ("falling", "wanted"),
    [
        ([5], []),
        ([0, 0, 5], []),
        ([5, 0], [0]),
        ([1, 0, 0, 0], [0, 0, 0]),
        ([2, -4], [2]),
        ([0, 0, 1, -1], [1]),
        ([1, -3, 2], [1, 2]),
        ([1, 0, 1], [-1j, 1j]),
        ([1, (0, 1)], [-1j]),
        ([1, 0, -1, 0, 0], [-1, 0, 0, 1]),
        ([10**400, 0, -(10**400)], [-1, 1]),
        ([-(10**400), 10**400], [1]),
        ([1e-300, 1, 1e-300], [-1e300, -1e-300]),
        ([1e-300, 0, 1e300], [-1e300j, 1e300j]),
        ([5e-324, -1e-323], [2]),
        ([1.7e308, 1.7e308, -1.7e308], [-(math.sqrt(5) + 1) / 2, (math.sqrt(5) - 1) / 2]),
    ],
)
def test_edges(falling, wanted):
    found = roots.solve(falling)
    assert len(found) == len(wanted)
    for z, w in zip(found, sorted(map(complex, wanted), key=lambda w: (w.real, w.imag))):
        assert abs(z - w) <= 1e-14 * abs(w)


@pytest.mark.parametrize("fold", [2, 3, 5, 20])
def test_multiple_roots(fold):
    found = roots.solve([c.real for c in product([2.0] * fold)])
    assert len(found) == fold
    # All that 64 bits hold of an m-fold root are 16/m digits.
    assert max(abs(z - 2) for z in found) < 4 * (1e-14) ** (1 / fold)
    assert abs(sum(found) / fold - 2) < 5e-2


def test_degree_100():
    for falling in ([1] + [0] * 99 + [-1], list(range(1, 102)), [math.comb(100, k) for k in range(101)]):
        found = roots.solve(falling)
        assert len(found) == 100
        assert max(residual([float(a) for a in falling], z) for z in found) < 1e-12


def test_wilkinson():
    found = roots.solve([round(c.real) for c in product(range(1, 16))])
    assert [round(z.real) for z in found] == list(range(1, 16))
    assert all(z.imag == 0 for z in found)


def test_real_roots_of_real_polynomials_are_real():
    assert all(z.imag == 0 for z in roots.solve([1, -15, 85, -225, 274, -120]))


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (b'{"coefficients": "x"}', "a list of numbers"),
        (b'{"coefficients": []}', "there are none"),
        (b'{"coefficients": [1, null]}', "coefficients[1]"),
        (b'{"coefficients": [1, true]}', "coefficients[1]"),
        (b'{"coefficients": [1, "2"]}', 'not "2"'),
        (b'{"coefficients": [1, [1, 2, 3]]}', "coefficients[1]"),
        (b'{"coefficients": [1, [1, "i"]]}', "coefficients[1]"),
        (b'{"coefficients": [0, 0.0, [0, 0]]}', "every number is a root"),
        (b'{"coefficients": [1, NaN]}', "not finite"),
        (b'{"coefficients": [1, -Infinity]}', "not finite"),
        (b'{"coefficients": [1, 1e999]}', "not finite"),
        (b'{"coefficients": [5e-324, 1e308]}', "too large"),
        (b'{"coefficients": [5e-324, 1, 5e-324]}', "differ too much"),
        (b"{}", "a list of numbers"),
        (b"[]", "an object"),
        (b"3", "an object"),
        (b"nonsense", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, ""),
        (b'{"id": 1.5, "coefficients": [1, 1]}', "id"),
        (b'{"id": [], "coefficients": [1, 1]}', "id"),
    ],
)
def test_bad_requests_are_answered(request_, part):
    answer = roots.answer(request_)
    assert part in answer["error"]
    assert answer["id"] is None
    json.dumps(answer, allow_nan=False)


def test_answer():
    assert roots.answer(b'{"id": "a", "coefficients": [1, 0, -4]}') == {"id": "a", "roots": [[-2.0, 0.0], [2.0, 0.0]]}
    assert roots.answer(b'{"coefficients": [[0, 1], 1]}') == {"id": None, "roots": [[0.0, 1.0]]}
    assert roots.answer(b'{"id": 7, "coefficients": [null]}')["id"] == 7


@pytest.mark.parametrize("seed", range(40))
def test_anything_is_answered(seed):
    generator = random.Random(4000 + seed)

    def value(depth=0):
        kind = generator.randrange(9 if depth < 3 else 6)
        if kind >= 6:
            return [value(depth + 1) for _ in range(generator.randrange(5))]
        return [None, True, "x", generator.randrange(-9, 9), generator.uniform(-1, 1), 10 ** generator.randrange(600)][kind]

    answer = roots.answer({"id": value(), "coefficients": value()})
    assert ("roots" in answer) != ("error" in answer)
    json.dumps(answer, allow_nan=False)


def test_handler_takes_what_a_trigger_gives():
    assert roots.handle({"coefficients": [2, -4]}, None)["roots"] == [[2.0, 0.0]]
    assert "error" in roots.handle(b"\x00", None)
    assert "error" in roots.handle(None, None)
