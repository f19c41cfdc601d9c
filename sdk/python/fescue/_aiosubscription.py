"""Subscriptions of the asyncio client, and what its tasks wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator

from ._core import Inbox, Stream, Waiter
from ._errors import FescueError
from ._message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .aio import Client


class Answer(Waiter):
    """A waiter that is a future."""

    def __init__(self) -> None:
        super().__init__()
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def resolve(self, value: Any = b"", error: FescueError | None = None) -> None:
        super().resolve(value, error)
        if not self.future.done():
            self.future.set_result(None)


class TaskInbox(Inbox):
    """An inbox that wakes the tasks which wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[asyncio.Future[None]] = []

    def push(self, stream: Stream, message: Message) -> bool:
        kept = super().push(stream, message)
        self.wake()
        return kept

    def wake(self) -> None:
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self._sleepers.clear()

    async def sleep(self) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        await sleeper


class Subscription:
    """Messages of one or more filters: ``async for message in client.subscribe("a/#")``.

    The subscription is made when it is awaited, or by the iteration. It lasts over reconnections, and
    ends when it or the client is closed.
    """

    def __init__(self, client: Client, inbox: TaskInbox, streams: list[Stream]) -> None:
        self._client = client
        self._inbox = inbox
        self._streams = streams
        self._made = False

    def __await__(self) -> Generator[Any, None, Subscription]:
        yield from self._make().__await__()
        return self

    async def _make(self) -> None:
        if not self._made:
            self._made = True
            for stream in self._streams:
                await self._client._subscribe(stream)

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        message = await self.get()
        if message is None:
            raise StopAsyncIteration
        return message

    async def get(self, timeout: float | None = None) -> Message | None:
        """The next message; None after the time-out (seconds), or when the subscription is closed."""
        await self._make()
        try:
            found = await asyncio.wait_for(self._client._next(self._inbox, self._streams), timeout)
        except asyncio.TimeoutError:
            return None
        return None if found is None else found[1]

    async def credit(self, number: int) -> None:
        """Lets so many more messages be sent, of a subscription made with ``credit``."""
        await self._make()
        for stream in self._streams:
            self._client._send_soon(self._client._core.give_credit(stream, number))

    async def close(self) -> None:
        """Ends the subscription; what has arrived can still be taken."""
        for stream in self._streams:
            await self._client._unsubscribe(stream)
