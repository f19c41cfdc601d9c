"""The client for asyncio: the names of the blocking one, awaited.

    from fescue import aio

    async with aio.connect() as client:
        async for message in client.subscribe("poly/request"):
            await client.publish("poly/roots", {"roots": solve(message.json())})

It works on the link's descriptors in the event loop itself, without threads. A client belongs
to the loop in which it was connected.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator
from time import monotonic

from . import _wire as wire
from ._aiolink import Connection
from ._aiosubscription import Answer, Subscription, TaskInbox
from ._core import DEFAULT_QUEUE, Consumer, Core, Stream, Waiter, Watcher
from ._errors import (
    ClientClosed,
    ConnectionLost,
    FescueError,
    Overflow,
    RequestTimeout,
    Unauthenticated,
    VersionMismatch,
)
from ._kept import STARTS, Past, milliseconds
from ._message import Call, Message, encode
from ._session import LONGEST_PAUSE, PAUSE, TOKEN_PATIENCE, default_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from ._state import AsyncState

    OnError = Optional[Callable[[FescueError], object]]

__all__ = ["Client", "Message", "Subscription", "connect"]


class Client:
    """A connection to Data Xchange in an event loop. Made by :func:`connect`."""

    def __init__(self, address: str, token: str, timeout: float, on_error: OnError) -> None:
        self._core = Core()
        self._address, self._token, self._timeout, self._on_error = address, token, timeout, on_error
        self._name = "fescue-python-aio " + os.path.basename(sys.argv[0] if sys.argv else "")
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._callbacks = TaskInbox()
        self._inboxes: list[TaskInbox] = [self._callbacks]
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling = False
        self._late: list[FescueError] = []
        self._closing = False
        self._fatal: FescueError | None = None
        self._core.send = self._send_soon

    @property
    def state(self) -> AsyncState:
        """As :attr:`fescue.Client.state`, awaited."""
        from ._state import AsyncState

        return AsyncState(self)

    @property
    def application(self) -> str:
        """The application's name, as the broker knows it."""
        return self._core.application

    @property
    def device(self) -> str:
        """The name of the device this runs on."""
        return self._core.device

    async def publish(self, topic: str, payload: Any = b"", *, confirm: bool = False) -> None:
        """As :meth:`fescue.Client.publish`."""
        core, data = self._core, encode(payload)
        self._check()
        if confirm:
            await self._ask(lambda w: core.publish_to(topic, data, w), self._timeout, "PUBLISHTO")
            return
        while (ident := core.granted.get(topic)) is None:
            await self._ask(lambda w: core.register(topic, w), self._timeout, "REGISTER")
        core.check_size(topic, len(data))
        await self._send(wire.frame(wire.PUBLISH, ident, data))

    def subscribe(
        self,
        topic_filter: str,
        callback: Callable[[Message], Any] | None = None,
        *,
        policy: str = "drop-oldest",
        queue: int = 0,
        own: bool = True,
        credit: int | None = None,
    ) -> Subscription:
        """As :meth:`fescue.Client.subscribe`: await it, or iterate over it.

        A callback may be a coroutine function; callbacks run one after another.
        """
        inbox = self._inbox() if callback is None else self._callbacks
        flags = (0 if own else wire.FLAG_NOT_OWN) | (0 if credit is None else wire.FLAG_BY_CREDIT)
        stream = Stream(topic_filter, policy, queue, flags, inbox)
        stream.handler, stream.credit = callback, credit or 0
        return Subscription(self, inbox, [stream])

    async def store(self, topic: str, payload: Any = b"", timeout: float | None = None) -> None:
        """As :meth:`fescue.Client.store`."""
        core, data, message_id = self._core, encode(payload), os.urandom(12).hex()
        self._check()
        deadline = monotonic() + (self._timeout if timeout is None else timeout)
        while True:
            try:
                left = max(0.01, deadline - monotonic())
                await self._ask(lambda w: core.store(topic, data, message_id, w), left, "STORE")
                return
            except ConnectionLost:
                if monotonic() >= deadline:
                    raise

    def consume(
        self,
        place: str,
        topic_filter: str,
        *,
        start: str = "new",
        window: int = 0,
        patience: float = 0,
        attempts: int = 0,
        dead_letter: str = "",
    ) -> Subscription:
        """As :meth:`fescue.Client.consume`: await it, or iterate over it."""
        inbox = self._inbox()
        consumer = Consumer(
            topic_filter, inbox, place=place, start=STARTS[start], window=window,
            patience_ms=milliseconds(patience), attempts=attempts, dead_letter=dead_letter,
        )  # fmt: skip
        return Subscription(self, inbox, [consumer])

    async def forget(self, place: str) -> None:
        """As :meth:`fescue.Client.forget`."""
        await self._ask(lambda w: self._core.forget_place(place, w), self._timeout, "FORGET")

    async def history(
        self,
        topic_filter: str,
        *,
        since: float | None = None,
        until: float | None = None,
        limit: int = 0,
        newest: bool = False,
    ) -> list[Past]:
        """As :meth:`fescue.Client.history`."""
        core, waiter = self._core, None
        self._check()

        def make(w: Waiter) -> bytes:
            nonlocal waiter
            waiter = w
            return core.history(topic_filter, int(newest), limit, milliseconds(since), milliseconds(until), w)

        await self._ask(make, self._timeout, "HISTORY")
        return waiter.items if waiter is not None else []

    def messages(self, *filters: str, policy: str = "drop-oldest", queue: int = 0) -> Subscription:
        """As :meth:`fescue.Client.messages`."""
        if not filters:
            raise TypeError("messages() needs at least one filter")
        inbox = self._inbox()
        return Subscription(self, inbox, [Stream(f, policy, queue, 0, inbox) for f in filters])

    def responder(self, topic_filter: str, handler: Callable[[Message], Any], *, queue: int = 0) -> Subscription:
        """The function, or coroutine function, answers requests on these topics. Await it."""
        stream = Stream(topic_filter, "drop-newest", queue, wire.FLAG_ANSWERS, self._callbacks)
        stream.handler = handler
        return Subscription(self, self._callbacks, [stream])

    async def request(self, topic: str, payload: Any = b"", timeout: float = 10.0) -> Message:
        """As :meth:`fescue.Client.request`."""
        core, data = self._core, encode(payload)
        self._check()
        try:
            answer = await self._ask(lambda w: core.request(topic, data, timeout, w), timeout + 1, "REQUEST")
        except RequestTimeout as e:
            raise RequestTimeout(f"no answer on {topic} within {timeout:g} s", topic=topic, code=e.code) from None
        return Message(topic, answer)

    async def log(self, level: str, text: str) -> None:
        """As :meth:`fescue.Client.log`."""
        frame = self._core.log(level, text)
        if frame:
            await self._send(frame)

    async def drain(self, timeout: float = 10.0) -> None:
        """As :meth:`fescue.Client.drain`."""
        await self._ask(self._core.ping, timeout, "PING")
        self._check()

    async def close(self, timeout: float = 1.0) -> None:
        """As :meth:`fescue.Client.close`."""
        if self._closing:
            return
        self._closing = True
        connection = self._connection
        if connection is not None:
            connection.write(wire.goodbye())
            await connection.ended(timeout)
            connection.close()
        self._wake_all()
        me = asyncio.current_task()
        for task in [t for t in self._tasks if t is not me]:
            task.cancel()
            await asyncio.wait([task])

    # Connecting.

    async def _connect(self) -> None:
        deadline = monotonic() + self._timeout
        connection = await Connection.open(self._address, self._timeout, self._arrived, self._lost)
        try:
            connection.write(self._core.hello(self._token, self._name))
            while not self._core.welcomed:
                if connection.lost:
                    raise self._core.refusal or ConnectionLost("Data Xchange closed the session at its greeting")
                if not await connection.changed(deadline - monotonic()):
                    raise ConnectionLost("Data Xchange did not answer HELLO in time")
        except BaseException:
            connection.close()
            raise
        connection.write(self._core.resume())
        self._connection = connection
        self._connected.set()
        if connection.lost:
            self._lost(connection)

    def _lost(self, connection: Connection) -> None:
        """The link is gone; called once by the connection."""
        if self._connection is not connection:
            return
        self._connection = None
        self._connected.clear()
        self._core.lost()
        if not self._closing:
            self._run(self._reconnect())

    async def _reconnect(self) -> None:
        pause, refused_since = PAUSE, 0.0
        while not self._closing:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                return await self._connect()
            except (Unauthenticated, VersionMismatch) as e:
                refused_since = refused_since or monotonic()
                if isinstance(e, VersionMismatch) or monotonic() - refused_since > TOKEN_PATIENCE:
                    self._fatal = e
                    self._connected.set()
                    self._core.give_up(e)
                    return self._wake_all()
            except (FescueError, OSError):
                pass

    # What arrives.

    def _arrived(self, connection: Connection) -> None:
        """The connection has read frames."""
        core = self._core
        for kind, ident, body in connection.reader.frames():
            core.handle(kind, ident, body)
        for frame in core.outbox:
            connection.write(frame)
        core.outbox.clear()
        if core.late:
            errors, core.late = core.late, []
            for error in errors:
                self._tell(error)
        if self._full():
            connection.pause()

    def _full(self) -> bool:
        """Whether a subscription with policy block has its queue full, and nobody waits for an answer behind that."""
        return not self._core.awaited and any(
            s.kind == wire.SUBSCRIBE and s.policy == "block" and len(s.waiting) >= (s.queue or DEFAULT_QUEUE) for s in self._core.streams.values()
        )

    def _tell(self, error: FescueError) -> None:
        if self._on_error is not None:
            self._on_error(error)
        elif isinstance(error, Overflow):
            print(f"fescue: {error}", file=sys.stderr)  # the application's log
        else:
            self._late.append(error)

    def _check(self) -> None:
        self._check_usable()
        if self._late:
            raise self._late.pop(0)

    def _check_usable(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self._closing:
            raise ClientClosed("the client is closed")

    # What is sent.

    async def _link(self) -> Connection:
        while self._connection is None:
            try:
                await asyncio.wait_for(self._connected.wait(), self._timeout)
            except asyncio.TimeoutError:
                raise ConnectionLost(f"there has been no link to Data Xchange for {self._timeout:g} s") from None
            self._check_usable()
        return self._connection

    def _send_soon(self, data: bytes) -> None:
        """A frame without an answer; lost with the link."""
        if self._connection is not None:
            self._connection.write(data)

    async def _send(self, data: bytes) -> None:
        self._check_usable()
        connection = await self._link()
        connection.write(data)
        await connection.drained()

    async def _ask(self, frame: Callable[[Waiter], bytes], timeout: float, what: str) -> bytes:
        self._check_usable()
        connection = await self._link()
        waiter = Answer()
        connection.write(frame(waiter))
        connection.resume()
        try:
            await asyncio.wait_for(waiter.future, timeout)
        except asyncio.TimeoutError:
            raise ConnectionLost(f"Data Xchange did not answer {what} within {timeout:g} s") from None
        finally:
            if not waiter.done:
                self._core.forget(waiter)
        if waiter.error is not None:
            raise waiter.error
        return waiter.value

    # Subscriptions.

    def _inbox(self) -> TaskInbox:
        inbox = TaskInbox()
        self._inboxes.append(inbox)
        return inbox

    def _wake_all(self) -> None:
        for inbox in self._inboxes:
            inbox.wake()

    async def _subscribe(self, stream: Stream) -> None:
        self._check()
        begin = self._core.watch if isinstance(stream, Watcher) else self._core.subscribe
        await self._ask(lambda w: begin(stream, w), self._timeout, "SUBSCRIBE")
        if stream.handler is not None and not self._calling:
            self._calling = True
            self._run(self._call_back())

    async def _unsubscribe(self, stream: Stream) -> None:
        if self._closing:
            stream.end()
            return
        end = self._core.unwatch if isinstance(stream, Watcher) else self._core.unsubscribe
        await self._ask(lambda w: end(stream, w), self._timeout, "UNSUBSCRIBE")

    async def _next(self, inbox: TaskInbox, streams: list[Stream]) -> tuple[Stream, Message] | None:
        while (found := inbox.pop()) is None:
            if streams and all(s.ended for s in streams):
                for error in (s.error for s in streams if s.error is not None):
                    raise error
                return None
            if self._closing:
                return None
            self._check_usable()
            if self._connection is not None:
                self._connection.resume()
            await inbox.sleep()
        if self._connection is not None and not self._full():
            self._connection.resume()
        return found

    async def _call_back(self) -> None:
        while True:
            try:
                found = await self._next(self._callbacks, [])
            except FescueError:
                return  # every other call raises it
            if found is None:
                return
            await self._handle(*found)

    async def _handle(self, stream: Stream, message: Message) -> None:
        assert stream.handler is not None
        try:
            answer: Any = stream.handler(message)
            if hasattr(answer, "__await__"):
                answer = await answer
            if isinstance(message, Call):
                await self._send(wire.frame(wire.REPLY, message.id, encode(answer)))
        except ClientClosed:
            return
        except Exception as e:
            import traceback

            traceback.print_exc()
            if isinstance(message, Call):
                text = f"{type(e).__name__}: {e}"
                await self._send(wire.error(message.id, wire.CODE_INTERNAL, wire.CALL, message.topic, text))

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Connecting:
    """What :func:`connect` gives: await it, or use it as a context manager."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make

    async def _connect(self) -> Client:
        self._client = self._make()
        await self._client._connect()
        return self._client

    def __await__(self) -> Generator[Any, None, Client]:
        return self._connect().__await__()

    async def __aenter__(self) -> Client:
        return await self._connect()

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


def connect(
    address: str | None = None,
    token: str | None = None,
    *,
    timeout: float = 10.0,
    on_error: OnError = None,
) -> _Connecting:
    """Connects to the device's Data Xchange: ``await connect()`` or ``async with connect() as client``.

    The arguments are those of :class:`fescue.Client`.
    """
    token = os.environ.get("FESCUE_TOKEN", "") if token is None else token
    where = address or default_address()
    return _Connecting(lambda: Client(where, token, timeout, on_error))
