"""Makes model.onnx: a softmax regression that tells a motor's state by what its sensors measure.

Needs nothing but Python: the readings are made up, the training is a few lines of gradient descent, and the few parts of
the ONNX format (onnx.proto, IR version 8) that such a model needs are written by hand. The same seed gives the same file.
"""

import math
import random
import struct

STATES = ["idle", "running", "worn"]
FEATURES = ["vibration", "temperature", "current"]
CENTRES = {"idle": (0.1, 25.0, 0.2), "running": (1.0, 55.0, 4.0), "worn": (3.2, 78.0, 5.5)}
SPREAD = (0.25, 5.0, 0.4)
SCALE = (1.0, 30.0, 2.0)  # makes the features alike in size


def readings(n, seed=1):
    rng = random.Random(seed)
    for i in range(n):
        state = i % len(STATES)
        centre = CENTRES[STATES[state]]
        yield [rng.gauss(c, s) for c, s in zip(centre, SPREAD)], state


def softmax(scores):
    top = max(scores)
    powers = [math.exp(s - top) for s in scores]
    return [p / sum(powers) for p in powers]


def train(samples, rounds=300, rate=0.3):
    """Weights [feature][state] and biases, for features as they are measured."""
    weights = [[0.0] * len(STATES) for _ in FEATURES]
    biases = [0.0] * len(STATES)
    scaled = [([v / s for v, s in zip(x, SCALE)], y) for x, y in samples]
    for _ in range(rounds):
        for x, y in scaled:
            p = softmax([b + sum(v * w[k] for v, w in zip(x, weights)) for k, b in enumerate(biases)])
            for k in range(len(STATES)):
                step = rate / 10 * ((k == y) - p[k])
                biases[k] += step
                for v, w in zip(x, weights):
                    w[k] += step * v
    return [[w / s for w in row] for row, s in zip(weights, SCALE)], biases


# Protocol buffers: a field is a tag (number and kind) with a number, or with a length and bytes.


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values):
    dims = b"".join(field(1, d) for d in shape)
    return dims + field(2, 1) + field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values))


def node(kind, inputs, output):
    return b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, kind)


def value_info(name, columns):
    shape = field(1, field(2, "n")) + field(1, field(1, columns))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def model(weights, biases):
    graph = (
        field(1, node("MatMul", ["reading", "weights"], "products"))
        + field(1, node("Add", ["products", "biases"], "scores"))
        + field(1, node("Softmax", ["scores"], "probabilities"))
        + field(2, "motor")
        + field(5, tensor("weights", [len(FEATURES), len(STATES)], [w for row in weights for w in row]))
        + field(5, tensor("biases", [len(STATES)], biases))
        + field(11, value_info("reading", len(FEATURES)))
        + field(12, value_info("probabilities", len(STATES)))
    )
    states = field(14, field(1, "states") + field(2, ",".join(STATES)))
    return field(1, 8) + field(2, "fescue example") + field(7, graph) + field(8, field(1, "") + field(2, 13)) + states


if __name__ == "__main__":
    with open("model.onnx", "wb") as f:
        f.write(model(*train(list(readings(300)))))
