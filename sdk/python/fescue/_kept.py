"""What a session keeps of deliveries at least once, history and state; part of the Core."""

from __future__ import annotations

from . import _wire as wire
from . import _wire_kept as kept
from ._errors import FescueError
from ._message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ._core import Core

STARTS = {"new": kept.START_NEW, "oldest": kept.START_OLDEST}


class Delivery(Message):
    """A kept message for a consumer, who ends it with :meth:`done`, :meth:`again` or :meth:`reject`.

    ``sequence`` numbers the messages of a kept topic, ``time`` is when it was kept (seconds since 1970), ``attempt``
    counts from 1. ``maybe_before``: it may have been delivered before; without it the message is new.
    """

    __slots__ = ("_answer", "attempt", "maybe_before", "sequence", "time")

    def __init__(self, fields: tuple[int, int, int, int, str, bytes], answer: Callable[[int, int, int], None]) -> None:
        sequence, time, attempt, flags, topic, payload = fields
        super().__init__(topic, payload)
        self.sequence, self.time, self.attempt = sequence, time / 1000, attempt
        self.maybe_before = bool(flags & kept.MAYBE_BEFORE)
        self._answer = answer

    def done(self) -> None:
        """It has been dealt with and does not come again."""
        self._answer(self.sequence, kept.DONE, 0)

    def again(self, delay: float | None = None) -> None:
        """It shall come again, after so many seconds; without a delay after the broker's, which grows with each attempt."""
        self._answer(self.sequence, kept.AGAIN, kept.OWN_DELAY if delay is None else round(delay * 1000))

    def reject(self) -> None:
        """It cannot be dealt with: to the dead letter topic."""
        self._answer(self.sequence, kept.REJECTED, 0)

    def still_at_it(self) -> None:
        """The broker's patience begins anew."""
        self._answer(self.sequence, kept.STILL_AT_IT, 0)


class Past(Message):
    """A message of the past; ``sequence`` and ``time`` (seconds since 1970) say where it stands."""

    __slots__ = ("sequence", "time")

    def __init__(self, fields: tuple[int, int, str, bytes]) -> None:
        self.sequence, time, topic, payload = fields
        super().__init__(topic, payload)
        self.time = time / 1000


class Entry:
    """What a key of the state holds."""

    __slots__ = ("key", "revision", "time", "value")

    def __init__(self, key: str, revision: int, time: int, value: bytes) -> None:
        self.key, self.revision, self.time, self.value = key, revision, time / 1000, value

    def json(self) -> object:
        """The value as JSON; ``ValueError`` if it is not."""
        return Message(self.key, self.value).json()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, {self.value!r}, revision={self.revision})"


class Change(Entry):
    """What became of a key; ``kind`` is ``put``, ``deleted``, ``expired``, or ``end`` after the present keys."""

    __slots__ = ("kind",)

    def __init__(self, kind: str, revision: int, time: int, key: str, value: bytes) -> None:
        super().__init__(key, revision, time, value)
        self.kind = kind


def key_bytes(key: str) -> bytes:
    """A key's bytes, if their number is allowed; the rest the broker checks."""
    data = key.encode()
    if not 1 <= len(data) <= 256:
        raise FescueError(f"a key of {len(data):,} bytes; it has 1 to 256", topic=key[:80])
    return data


def milliseconds(seconds: float | None) -> int:
    """A time for the protocol; None is no bound."""
    return 0 if seconds is None else max(0, round(seconds * 1000))


# Frames that arrive.


def on_delivery(core: Core, ident: int, body: memoryview) -> None:
    stream = core.streams.get(ident)
    if stream is None:
        return
    fields = kept.read_delivery(body)

    def answer(sequence: int, verdict: int, delay: int) -> None:
        if core.send is not None:
            core.send(kept.ack(ident, sequence, verdict, delay))

    stream.inbox.push(stream, Delivery(fields, answer))


def on_past(core: Core, ident: int, body: memoryview) -> None:
    waiter = core.awaited.get((wire.HISTORY, ident))
    if waiter is not None:
        waiter.items.append(Past(kept.read_past(body)))


def on_value(core: Core, ident: int, body: memoryview) -> None:
    core.answered((wire.GET, ident), kept.read_value(body))


def on_stored(core: Core, ident: int, body: memoryview) -> None:
    revision = kept.read_stored(body)
    if not core.answered((wire.PUT, ident), revision):
        core.answered((wire.DELETE, ident), revision)


def on_change(core: Core, ident: int, body: memoryview) -> None:
    stream = core.watches.get(ident)
    if stream is None:
        return
    kind, revision, time, key, value = kept.read_change(body)
    for gone in stream.note(kind, key):
        stream.inbox.push(stream, Change("deleted", revision, time, gone, b""))
    stream.inbox.push(stream, Change(kind, revision, time, key, value))
    if kind == "end" and stream.flags & kept.ONLY_PRESENT:
        del core.watches[ident]
        stream.end()


def on_credit(core: Core, ident: int, body: memoryview) -> None:
    kept.read_credit(ident, body)  # brokers of stream links never grant any


HANDLERS = {
    wire.DELIVERY: on_delivery,
    wire.PAST: on_past,
    wire.VALUE: on_value,
    wire.STORED: on_stored,
    wire.CHANGE: on_change,
    wire.CREDIT: on_credit,
}
