"""Frames against the golden vectors that every SDK passes, and the reader against cut streams."""

import json
import random

import pytest
from harness import CONFORMANCE

from fescue import _wire as wire
from fescue import _wire_kept as kept
from fescue._errors import InvalidTopic, Malformed

# The frames of the capability modules, which this side never states.
MODULES = ("OFFER", "ACCEPT", "CHUNK", "PROGRESS", "COMMIT", "COMMITTED", "ABORT", "REMOVE", "LIST", "HELD")
VECTORS = [
    v
    for v in json.loads((CONFORMANCE / "vectors.json").read_text())["vectors"]
    if v.get("fields", {}).get("type") not in MODULES and v["name"] != "ok-of-a-removal"
]
TYPES = {v["fields"]["type"]: getattr(wire, v["fields"]["type"]) for v in VECTORS if "fields" in v}


def names(direction, outcome):
    return [pytest.param(v, id=v["name"]) for v in VECTORS if v["direction"] == direction and outcome in v]


def made(f):
    """The frame that the SDK makes of a vector's fields."""
    kind, ident = TYPES[f["type"]], f["id"]
    payload = bytes.fromhex(f.get("payload", ""))
    if kind == wire.HELLO:
        return wire.hello(f["token"], f["client"], f["capabilities"], f["maxBody"], f["lowest"], f["highest"])
    if kind == wire.ERROR:
        return wire.error(ident, f["code"], f["refused"], f["topic"], f["text"])
    if kind in KEPT_MADE:
        return KEPT_MADE[kind](f, ident, payload)
    if kind == wire.SUBSCRIBE:
        return wire.subscribe(ident, f["filter"], f["policy"], f["flags"], f["queue"])
    if kind == wire.PUBLISHTO:
        return wire.publish_to(ident, f["topic"], payload)
    if kind == wire.REQUEST:
        return wire.request(ident, f["timeout"], f["topic"], payload)
    if kind == wire.FAILURE:
        return wire.frame(kind, ident, wire.failure_body(f["errorType"], f["message"], f["stack"]))
    if kind == wire.GOODBYE:
        return wire.goodbye(f["code"], f["text"])
    if kind == wire.PART:
        return wire.part(ident, payload, head=f["flags"] == 1)
    text = next((f[name] for name in ("topic", "text", "place", "key") if name in f), "")
    return wire.frame(kind, ident, payload or text.encode())


KEPT_MADE = {
    wire.CONSUME: lambda f, i, p: kept.consume(
        i, f["place"], f["filter"], f["start"], f["window"], f["patience"], f["attempts"], f["from"], f["deadLetter"]
    ),
    wire.STORE: lambda f, i, p: kept.store(i, f["messageId"], f["topic"], p),
    wire.ACK: lambda f, i, p: kept.ack(i, f["sequence"], f["verdict"], f["delay"]),
    wire.HISTORY: lambda f, i, p: kept.history(i, f["filter"], f["flags"], f["limit"], f["from"], f["until"]),
    wire.CREDIT: lambda f, i, p: kept.credit(i, f["number"]),
    wire.PUT: lambda f, i, p: kept.put(
        i, f["key"], bytes.fromhex(f["value"]), f["condition"], f["revision"], f["ttl"]
    ),
    wire.DELETE: lambda f, i, p: kept.delete(i, f["key"], f["condition"], f["revision"]),
    wire.WATCH: lambda f, i, p: kept.watch(i, f["filter"], f["flags"]),
}
KEPT_READ = {
    wire.DELIVERY: (kept.read_delivery, ("sequence", "time", "attempt", "flags", "topic", "payload")),
    wire.PAST: (kept.read_past, ("sequence", "time", "topic", "payload")),
    wire.VALUE: (kept.read_value, ("revision", "time", "value")),
    wire.STORED: (lambda body: (kept.read_stored(body),), ("revision",)),
    wire.CHANGE: (kept.read_change, ("kind", "revision", "time", "key", "value")),
}


def read_kept(kind, body):
    function, keys = KEPT_READ[kind]
    values = [v.hex() if isinstance(v, bytes) else v for v in function(body)]
    fields = dict(zip(keys, values))
    if kind == wire.CHANGE:
        fields["kind"] = kept.KINDS.index(fields["kind"])
    return fields


def read(kind, ident, body):
    """The fields that the SDK reads, by the vectors' names."""
    fields = {"type": next(n for n, k in TYPES.items() if k == kind), "id": ident}
    if kind == wire.WELCOME:
        keys = ("version", "capabilities", "maxBody", "application", "device")
        return {**fields, **dict(zip(keys, wire.read_welcome(body)))}
    if kind == wire.ERROR:
        return {**fields, **dict(zip(("code", "refused", "topic", "text"), wire.read_error(body)))}
    if kind == wire.GOODBYE:
        return {**fields, **dict(zip(("code", "text"), wire.read_goodbye(body)))}
    if kind == wire.OK:
        return {**fields, "granted": wire.read_ok(body)}
    if kind == wire.MESSAGE:
        topic, payload = wire.read_message(body)
        return {**fields, "topic": topic, "payload": payload.hex()}
    if kind == wire.CALL:
        subscription, timeout, topic, payload = wire.read_call(body)
        return {**fields, "subscription": subscription, "timeout": timeout, "topic": topic, "payload": payload.hex()}
    if kind == wire.INVOKE:
        timeout, packed, payload = wire.read_invoke(body)
        pairs = [list(a) for a in wire.read_attributes(packed).items()] or None
        return {**fields, "timeout": timeout, "attributes": pairs, "payload": payload.hex()}
    if kind == wire.CREDIT:
        return {**fields, "number": kept.read_credit(ident, body)}
    if kind in KEPT_READ:
        return {**fields, **read_kept(kind, body)}
    if kind == wire.CANCEL:
        return fields
    if kind == wire.MORE:
        return {**fields, "number": wire.read_more(body)}
    return {**fields, "payload": bytes(body).hex()}


def fed(reader, data):
    reader.room(len(data))[: len(data)] = data
    reader.end += len(data)


def read_all(reader):
    return [read(kind, ident, body) for kind, ident, body in reader.frames()]


def expected(vector):
    return {k: v for k, v in vector["fields"].items() if k != "codeName"}


@pytest.mark.parametrize("vector", names("client", "fields"))
def test_client_frames_are_made(vector):
    assert made(vector["fields"]).hex() == vector["hex"]


@pytest.mark.parametrize("vector", names("broker", "fields"))
def test_broker_frames_are_read(vector):
    reader = wire.Reader()
    fed(reader, bytes.fromhex(vector["hex"]))
    assert read_all(reader) == [expected(vector)]


@pytest.mark.parametrize("vector", names("broker", "error"))
def test_bad_broker_frames_are_refused(vector):
    reader = wire.Reader()
    fed(reader, bytes.fromhex(vector["hex"]))
    with pytest.raises((Malformed, *wire.UNREADABLE)):
        read_all(reader)


def test_extensions_are_skipped():
    skipped = [v for v in VECTORS if "skipped" in v]
    assert skipped
    reader = wire.Reader()
    for v in skipped:
        fed(reader, bytes.fromhex(v["hex"]))
    fed(reader, wire.frame(wire.PONG, 7))
    assert [ident for _, ident, _ in reader.frames()] == [7]


@pytest.mark.parametrize("seed", range(20))
def test_streams_are_read_however_they_are_cut(seed):
    generator = random.Random(seed)
    vectors = [v for v in VECTORS if v["direction"] == "broker" and "fields" in v]
    chosen = [generator.choice(vectors) for _ in range(3000)]
    stream = b"".join(bytes.fromhex(v["hex"]) for v in chosen)
    reader, at, got = wire.Reader(), 0, []
    while at < len(stream):
        view = reader.room()
        n = min(generator.choice([1, 7, 100, 5000, 65536]), len(view), len(stream) - at)
        view[:n] = stream[at : at + n]
        reader.end += n
        at += n
        got += read_all(reader)
    assert got == [expected(v) for v in chosen]


def test_large_frames_grow_the_buffer_and_give_it_back():
    reader = wire.Reader()
    large = wire.frame(wire.PONG, 1, b"x" * 1_000_000)
    stream, at, sizes = memoryview(large + wire.frame(wire.PONG, 2)), 0, []
    while at < len(stream):
        view = reader.room()
        n = min(len(view), len(stream) - at)
        view[:n] = stream[at : at + n]
        reader.end += n
        at += n
        sizes += [len(body) for _, _, body in reader.frames()]
    assert sizes == [1_000_000, 0]
    assert len(reader.room()) == reader.SIZE


def test_the_buffer_is_used_again():
    reader = wire.Reader()
    first = reader.room()
    fed(reader, wire.frame(wire.PONG, 1, b"abc"))
    list(reader.frames())
    assert reader.room() is first


@pytest.mark.parametrize("topic", ["", "x" * 1025, "ü" * 513])
def test_topics_of_a_wrong_length_are_refused(topic):
    with pytest.raises(InvalidTopic):
        wire.topic_bytes(topic)


def test_failures_are_cut_to_their_fields():
    body = memoryview(wire.failure_body("E" * 1000, "ü" * 100_000, "x" * 100_000 + "the end\udc80"))
    kind, at = wire.read_str16(body, 0)
    message, at = wire.read_str16(body, at)
    stack = str(body[at:], "utf-8")
    assert len(kind) == 256
    assert set(message) == {"ü"}
    assert len(stack) <= 0x8000
    assert stack.endswith("the end\\udc80")
