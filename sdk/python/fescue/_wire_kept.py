"""Frames of kept messages, history and state (sdk/protocol.md): made and read."""

from __future__ import annotations

from struct import Struct

from ._errors import Malformed
from ._wire import (
    ACK,
    CONSUME,
    CREDIT,
    DELETE,
    HISTORY,
    PUT,
    STORE,
    WATCH,
    _nothing_after,
    _str16,
    _u32,
    frame,
    read_str16,
)

START_NEW, START_OLDEST, START_TIME = 0, 1, 2
DONE, AGAIN, REJECTED, STILL_AT_IT = 0, 1, 2, 3
OWN_DELAY = 0xFFFFFFFF
MAYBE_BEFORE = 1  # DELIVERY's flag
NEWEST = 1  # HISTORY's flag
WITH_PRESENT, ONLY_PRESENT, KEYS_ONLY = 1, 2, 4  # WATCH's flags
KINDS = ("put", "deleted", "expired", "end")  # CHANGE's

_consume = Struct("<BxHIHxxQ")
_delivery = Struct("<QQHH")
_past = Struct("<QQ")
_ack = Struct("<QBxxxI")
_history = Struct("<BxxxIQQ")
_put = Struct("<BxxxIQ")
_delete = Struct("<BxxxQ")
_change = Struct("<BxxxQQ")
_u64 = Struct("<Q")


def consume(
    ident: int,
    place: str,
    topic_filter: str,
    start: int = START_NEW,
    window: int = 0,
    patience_ms: int = 0,
    attempts: int = 0,
    from_ms: int = 0,
    dead_letter: str = "",
) -> bytes:
    """CONSUME; 0 is the broker's default."""
    fields = _consume.pack(start, window, patience_ms, attempts, from_ms)
    return frame(CONSUME, ident, fields + _str16(place.encode()) + _str16(dead_letter.encode()) + topic_filter.encode())


def store(ident: int, message_id: str, topic: str, payload: bytes) -> bytes:
    """STORE."""
    return frame(STORE, ident, _str16(message_id.encode()) + _str16(topic.encode()) + payload)


def ack(ident: int, sequence: int, verdict: int = DONE, delay_ms: int = 0) -> bytes:
    """ACK."""
    return frame(ACK, ident, _ack.pack(sequence, verdict, delay_ms))


def history(ident: int, topic_filter: str, flags: int, limit: int, from_ms: int, until_ms: int) -> bytes:
    """HISTORY; 0 is no bound."""
    return frame(HISTORY, ident, _history.pack(flags, limit, from_ms, until_ms) + topic_filter.encode())


def credit(ident: int, number: int) -> bytes:
    """CREDIT."""
    return frame(CREDIT, ident, _u32.pack(number))


def put(ident: int, key: str, value: bytes, condition: int = 0, revision: int = 0, ttl: int = 0) -> bytes:
    """PUT; ttl in seconds, 0 for good."""
    return frame(PUT, ident, _put.pack(condition, ttl, revision) + _str16(key.encode()) + value)


def delete(ident: int, key: str, condition: int = 0, revision: int = 0) -> bytes:
    """DELETE."""
    return frame(DELETE, ident, _delete.pack(condition, revision) + key.encode())


def watch(ident: int, key_filter: str, flags: int) -> bytes:
    """WATCH."""
    return frame(WATCH, ident, bytes((flags,)) + key_filter.encode())


def read_delivery(body: memoryview) -> tuple[int, int, int, int, str, bytes]:
    """Sequence, time in ms, attempt, flags, topic, payload."""
    sequence, time, attempt, flags = _delivery.unpack_from(body)
    topic, at = read_str16(body, 20)
    return sequence, time, attempt, flags, topic, bytes(body[at:])


def read_past(body: memoryview) -> tuple[int, int, str, bytes]:
    """Sequence, time in ms, topic, payload."""
    sequence, time = _past.unpack_from(body)
    topic, at = read_str16(body, 16)
    return sequence, time, topic, bytes(body[at:])


def read_value(body: memoryview) -> tuple[int, int, bytes]:
    """Revision, time in ms, value."""
    revision, time = _past.unpack_from(body)
    return revision, time, bytes(body[16:])


def read_stored(body: memoryview) -> int:
    """The new revision."""
    _nothing_after(body, 8)
    return _u64.unpack_from(body)[0]


def read_change(body: memoryview) -> tuple[str, int, int, str, bytes]:
    """Kind (one of KINDS), revision, time in ms, key, value."""
    kind, revision, time = _change.unpack_from(body)
    key, at = read_str16(body, 20)
    return KINDS[kind], revision, time, key, bytes(body[at:])


def read_credit(ident: int, body: memoryview) -> int:
    """The number."""
    if ident != 0:
        raise Malformed("CREDIT with an id")
    _nothing_after(body, 4)
    return _u32.unpack_from(body)[0]
