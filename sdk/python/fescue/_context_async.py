"""The context of a handler that is ``async def``: what takes time is awaited."""

from __future__ import annotations

from . import _context_kept as kept
from ._context import Context, returned
from ._errors import NotFound
from ._kept import Entry
from ._message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from typing import Any, Callable, Protocol

    from ._context import Host
    from ._kept import Past

    class AsyncHost(Host, Protocol):
        """The worker, as its contexts use it."""

        def later(self, frame: Callable[[int], bytes]) -> Future[Any]: ...


class AsyncContext(Context):
    """:class:`Context`; ``invoke``, ``request``, ``store``, ``history`` and what ``state`` has are awaited."""

    __slots__ = ()
    _host: AsyncHost

    async def invoke(self, function: str, payload: Any = None, timeout: float = 30.0) -> Any:
        """As :meth:`Context.invoke`."""
        return returned(await self._host.later(self._request("$fescue/invoke/" + function, payload, timeout)))

    async def request(self, topic: str, payload: Any = b"", timeout: float = 10.0) -> Message:
        """As :meth:`Context.request`."""
        return Message(topic, await self._host.later(self._request(topic, payload, timeout)))

    async def store(self, topic: str, payload: Any = b"") -> None:
        """As :meth:`Context.store`."""
        await self._host.later(kept.storing(self._host, topic, payload))

    async def history(
        self,
        topic_filter: str,
        *,
        since: float | None = None,
        until: float | None = None,
        limit: int = 0,
        newest: bool = False,
    ) -> list[Past]:
        """As :meth:`Context.history`."""
        return await self._host.later(kept.looking_back(topic_filter, since, until, limit, newest)) or []

    @property
    def state(self) -> AsyncState:
        """As :attr:`Context.state`."""
        return AsyncState(self._host)


class AsyncState:
    """:class:`fescue._context_kept.State`, awaited."""

    def __init__(self, host: AsyncHost) -> None:
        self._host = host

    async def get(self, key: str) -> Entry | None:
        """What a key holds, or None."""
        try:
            return Entry(key, *await self._host.later(kept.getting(key)))
        except NotFound:
            return None

    async def put(self, key: str, value: Any, *, revision: int | None = None, ttl: int = 0) -> int:
        """Writes a value and returns its revision; see :meth:`State.put`."""
        made: int = await self._host.later(kept.putting(self._host, key, value, revision, ttl))
        return made

    async def delete(self, key: str, *, revision: int | None = None) -> int:
        """Removes a key; that it is not there is no error."""
        made: int = await self._host.later(kept.deleting(key, revision))
        return made

    async def keys(self, key_filter: str = "#") -> list[str]:
        """The keys that match a filter, sorted."""
        found: list[str] = await self._host.later(kept.listing(key_filter))
        return found
