"""The application's durable store of keys and values, for both clients."""

from __future__ import annotations

from . import _wire_kept as kept
from ._core import Inbox, Watcher
from ._errors import NotFound
from ._kept import Change, Entry
from ._message import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._aiosubscription import Subscription as AsyncSubscription
    from ._client import Client, Subscription
    from .aio import Client as AsyncClient


class State:
    """``client.state``: what an application keeps on its device, over restarts and versions.

    A key is written as a topic (``rooms/kitchen/last``), a value is what a payload may be. Each change gives the key a new
    revision, a number that rises. Values are on disk when a call returns.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = client._session

    def _ask(self, make: Any, what: str) -> Any:
        self._session.check()
        return self._session.ask(make, self._session.timeout, what)

    def get(self, key: str) -> Entry | None:
        """What a key holds, or None."""
        try:
            revision, time, value = self._ask(lambda w: self._session.core.get(key, w), "GET")
        except NotFound:
            return None
        return Entry(key, revision, time, value)

    def put(self, key: str, value: Any, *, revision: int | None = None, ttl: int = 0) -> int:
        """Writes a value and returns its revision.

        With ``revision`` it is written only if the key has that one (0: if there is no such key), else Conflict is raised: so two
        programs can change a value without losing a change. With ``ttl`` the key vanishes after so many seconds.
        """
        data = encode(value)
        revision = self._ask(lambda w: self._session.core.put(key, data, revision, ttl, w), "PUT")
        return revision

    def delete(self, key: str, *, revision: int | None = None) -> int:
        """Removes a key; that it is not there is no error."""
        revision = self._ask(lambda w: self._session.core.delete(key, revision, w), "DELETE")
        return revision

    def keys(self, key_filter: str = "#") -> list[str]:
        """The keys that match a filter, sorted."""
        flags = kept.WITH_PRESENT | kept.ONLY_PRESENT | kept.KEYS_ONLY
        names: set[str] = set()
        watch = self._watch(key_filter, flags)
        while (change := watch.get(self._session.timeout)) is not None and change.kind != "end":
            _list(names, change)
        watch.close()
        return sorted(names)

    def watch(self, key_filter: str = "#") -> Subscription:
        """The changes of keys that match, as :class:`Change`: first the present keys, then one of kind ``end``, then what changes.

        After a reconnection the present keys are told again, and before the ``end``, as ``deleted``, those that were there before
        and are not.
        """
        return self._watch(key_filter, kept.WITH_PRESENT)

    def _watch(self, key_filter: str, flags: int) -> Subscription:
        from ._client import Subscription

        inbox = Inbox()
        watcher = Watcher(key_filter, flags, inbox)
        self._ask(lambda w: self._session.core.watch(watcher, w), "WATCH")
        return Subscription(self._client, inbox, [watcher])


class AsyncState:
    """:class:`State`, awaited."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._core = client._core

    async def _ask(self, make: Any, what: str) -> Any:
        self._client._check()
        return await self._client._ask(make, self._client._timeout, what)

    async def get(self, key: str) -> Entry | None:
        """As :meth:`State.get`."""
        try:
            revision, time, value = await self._ask(lambda w: self._core.get(key, w), "GET")
        except NotFound:
            return None
        return Entry(key, revision, time, value)

    async def put(self, key: str, value: Any, *, revision: int | None = None, ttl: int = 0) -> int:
        """As :meth:`State.put`."""
        data = encode(value)
        revision = await self._ask(lambda w: self._core.put(key, data, revision, ttl, w), "PUT")
        return revision

    async def delete(self, key: str, *, revision: int | None = None) -> int:
        """As :meth:`State.delete`."""
        revision = await self._ask(lambda w: self._core.delete(key, revision, w), "DELETE")
        return revision

    async def keys(self, key_filter: str = "#") -> list[str]:
        """As :meth:`State.keys`."""
        flags = kept.WITH_PRESENT | kept.ONLY_PRESENT | kept.KEYS_ONLY
        names: set[str] = set()
        async for change in self._watch(key_filter, flags):
            if change.kind == "end":
                break
            _list(names, change)
        return sorted(names)

    def watch(self, key_filter: str = "#") -> AsyncSubscription:
        """As :meth:`State.watch`: await it, or iterate over it."""
        return self._watch(key_filter, kept.WITH_PRESENT)

    def _watch(self, key_filter: str, flags: int) -> AsyncSubscription:
        from ._aiosubscription import Subscription

        inbox = self._client._inbox()
        return Subscription(self._client, inbox, [Watcher(key_filter, flags, inbox)])


def _list(names: set[str], change: Change) -> None:
    """A listing that goes over two links names keys twice, and those that went between them as deleted."""
    if change.kind == "put":
        names.add(change.key)
    else:
        names.discard(change.key)


__all__ = ["AsyncState", "Change", "Entry", "State"]
