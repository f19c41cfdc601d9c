"""The client: publishes polynomials, one a second, and prints the roots as they arrive."""

import itertools
import secrets
import time

import fescue

SERIES = [
    [1, -3, 2],
    [1, 0, 1],
    [1, -3, 3, -1],
    [2, 0, 0, 0, -2],
    [1, [0, -1], 0, [2, 3]],
    [1, 0, -7, 6, 0, 0],
    [1, -15, 85, -225, 274, -120],
    [1e-9, 3, -1e9],
    [1, "two", 3],
]


def main():
    me = secrets.token_hex(3)
    with fescue.connect() as client:
        answers = client.subscribe("poly/roots")
        for count, coefficients in enumerate(itertools.cycle(SERIES)):
            request = {"id": f"{me}-{count}", "coefficients": coefficients}
            client.publish("poly/request", request)
            print(describe(coefficients, wait_for(answers, request["id"])), flush=True)
            time.sleep(1)


def wait_for(answers, wanted, patience=3.0):
    """The answer with this id, or None if it does not come: the server may not be running yet."""
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        message = answers.get(timeout=left)
        if message is not None:
            answer = message.json()
            if isinstance(answer, dict) and answer.get("id") == wanted:
                return answer
    return None


def describe(coefficients, answer):
    """A line for people."""
    if answer is None:
        return f"roots of {coefficients}: no answer yet"
    if "error" in answer:
        return f"roots of {coefficients}: error: {answer['error']}"
    return f"roots of {coefficients}: " + ", ".join(shown(complex(*root)) for root in answer["roots"])


def shown(z):
    """A complex number with six digits, without a part that is 0."""
    if z.imag == 0:
        return f"{z.real:.6g}"
    if z.real == 0:
        return f"{z.imag:.6g}i"
    return f"{z.real:.6g}{z.imag:+.6g}i"


if __name__ == "__main__":
    main()
