"""A context's state and kept topics. Imported when a handler first uses them: it is no part of a cold start."""

from __future__ import annotations

from . import _wire as wire
from . import _wire_kept as kept
from ._errors import NotFound
from ._kept import Entry, Past, key_bytes, milliseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._context import Host

    Frame = Callable[[int], bytes]  # of the receipt

_LISTING = kept.WITH_PRESENT | kept.ONLY_PRESENT | kept.KEYS_ONLY


def read(kind: int, body: memoryview) -> tuple[Any, bool]:
    """What a frame says, and whether the answer is complete with it."""
    if kind == wire.VALUE:
        return kept.read_value(body), True
    if kind == wire.STORED:
        return kept.read_stored(body), True
    if kind == wire.PAST:
        return Past(kept.read_past(body)), False
    change, _, _, key, _ = kept.read_change(body)
    return key, change == "end"


# What is asked, as frames.


def storing(host: Host, topic: str, payload: Any) -> Frame:
    """STORE. It has no id of its own: the link of a worker is not made anew, so that nothing is sent twice."""
    data = host.fitting(topic, payload, 4)
    return lambda receipt: kept.store(receipt, "", topic, data)


def looking_back(topic_filter: str, since: float | None, until: float | None, limit: int, newest: bool) -> Frame:
    """HISTORY."""
    wire.topic_bytes(topic_filter)
    times = milliseconds(since), milliseconds(until)
    return lambda receipt: kept.history(receipt, topic_filter, int(newest), limit, *times)


def getting(key: str) -> Frame:
    """GET."""
    name = key_bytes(key)
    return lambda receipt: wire.frame(wire.GET, receipt, name)


def putting(host: Host, key: str, value: Any, revision: int | None, ttl: int) -> Frame:
    """PUT."""
    key_bytes(key)
    data = host.fitting(key, value, 18)
    return lambda receipt: kept.put(receipt, key, data, int(revision is not None), revision or 0, ttl)


def deleting(key: str, revision: int | None) -> Frame:
    """DELETE."""
    key_bytes(key)
    return lambda receipt: kept.delete(receipt, key, int(revision is not None), revision or 0)


def listing(key_filter: str) -> Frame:
    """WATCH of the present keys alone."""
    return lambda receipt: kept.watch(receipt, key_filter, _LISTING)


class State:
    """``context.state``: what an application keeps on its device, over restarts and versions.

    A key is written as a topic (``rooms/kitchen/last``), a value is what a payload may be. Each change gives the key a new
    revision, a number that rises. Values are on disk when a call returns.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def get(self, key: str) -> Entry | None:
        """What a key holds, or None."""
        try:
            return Entry(key, *self._host.ask(getting(key)))
        except NotFound:
            return None

    def put(self, key: str, value: Any, *, revision: int | None = None, ttl: int = 0) -> int:
        """Writes a value and returns its revision.

        With ``revision`` it is written only if the key has that one (0: if there is no such key), else Conflict is raised: so two
        functions can change a value without losing a change. With ``ttl`` the key vanishes after so many seconds.
        """
        made: int = self._host.ask(putting(self._host, key, value, revision, ttl))
        return made

    def delete(self, key: str, *, revision: int | None = None) -> int:
        """Removes a key; that it is not there is no error."""
        made: int = self._host.ask(deleting(key, revision))
        return made

    def keys(self, key_filter: str = "#") -> list[str]:
        """The keys that match a filter, sorted."""
        found: list[str] = self._host.ask(listing(key_filter))
        return found
