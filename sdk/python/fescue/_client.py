"""The blocking client: publish, subscribe, request, respond."""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from time import monotonic

from . import _wire as wire
from ._core import Consumer, Inbox, Stream
from ._errors import ClientClosed, ConnectionLost, FescueError, RequestTimeout
from ._kept import STARTS, Past, milliseconds
from ._message import Call, Message, encode
from ._session import Session, default_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ._state import State
    from typing import Any, Callable, TypeVar

    Handler = TypeVar("Handler", bound=Callable[[Message], Any])


class Subscription:
    """Messages of one or more filters; iterate over it to take them.

    The iteration waits for the next message, lasts over reconnections, and ends
    when the subscription or the client is closed. It raises PermissionDenied if the
    permission is taken away.
    """

    def __init__(self, client: Client, inbox: Inbox, streams: list[Stream]) -> None:
        self._client = client
        self._inbox = inbox
        self._streams = streams

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            message = self.get()
        except ClientClosed:
            raise StopIteration from None
        if message is None:
            raise StopIteration
        return message

    def get(self, timeout: float | None = None) -> Message | None:
        """The next message; None after the time-out (seconds), or when the subscription is closed."""
        found = self._client._next(self._inbox, self._streams, timeout)
        return None if found is None else found[1]

    def credit(self, number: int) -> None:
        """Lets so many more messages be sent, of a subscription made with ``credit``."""
        session = self._client._session
        for stream in self._streams:
            session.send(session.core.give_credit(stream, number))

    def close(self) -> None:
        """Ends the subscription; what has arrived can still be taken."""
        for stream in self._streams:
            self._client._unsubscribe(stream)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """A connection to Data Xchange, safe to use from several threads.

    It connects again by itself when the agent restarts, and subscribes and registers anew; what was
    published by others meanwhile is lost. Callbacks and responders run one after another in
    one thread of the client's.

    Args:
        address: ``unix:PATH`` or ``mqueue:PATH``; FESCUE_EXCHANGE if left out.
        token: FESCUE_TOKEN if left out.
        timeout: seconds to wait for an answer of the broker's, and for a lost link to come back.
        hold: what is published goes out together: when 64 KiB have gathered, when the client waits for
            something (a message, an answer), or by :meth:`flush`. Many small messages get several times
            faster; what is held when a link is lost is lost with it.
        on_error: is given the errors that no call waits for. Without it they are raised by the
            next call, dropped messages are reported on stderr.
    """

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 10.0,
        hold: bool = False,
        on_error: Callable[[FescueError], object] | None = None,
    ) -> None:
        name = "fescue-python " + os.path.basename(sys.argv[0] if sys.argv else "")
        token = os.environ.get("FESCUE_TOKEN", "") if token is None else token
        self._session = Session(address or default_address(), token, name, timeout, hold)
        self._session.on_error = on_error
        self._callbacks = Inbox()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._callbacks_ended = False
        self._on_end: Callable[[], object] | None = None
        self._session.core.send = self._session.send
        self._session.start()

    @property
    def state(self) -> State:
        """The application's durable keys and values."""
        from ._state import State

        return State(self)

    @property
    def application(self) -> str:
        """The application's name, as the broker knows it."""
        return self._session.core.application

    @property
    def device(self) -> str:
        """The name of the device this runs on."""
        return self._session.core.device

    def publish(self, topic: str, payload: Any = b"", *, confirm: bool = False) -> None:
        """Publishes a message; see :func:`fescue.encode` for what a payload may be.

        The first time on a topic it waits for the broker's permission, later ones are sent and
        forgotten. With ``confirm`` it waits each time until the broker has taken the message.
        Raises PermissionDenied, InvalidTopic, TooLarge, ConnectionLost.
        """
        session = self._session
        data = encode(payload)
        session.check()
        if confirm:
            session.ask(lambda w: session.core.publish_to(topic, data, w), session.timeout, "PUBLISHTO")
            return
        while (ident := session.core.granted.get(topic)) is None:
            session.ask(lambda w: session.core.register(topic, w), session.timeout, "REGISTER")
        if len(data) > session.core.max_body:
            session.core.check_size(topic, len(data))
        session.send(wire.frame(wire.PUBLISH, ident, data))

    def flush(self) -> None:
        """Sends what is held back (``hold``)."""
        self._session.flush()

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
        """Subscribes to a filter, and waits for the broker's permission.

        Without a callback, iterate over what is returned. ``queue`` messages may wait (0: 1,024);
        when that many do, ``policy`` says what happens: ``drop-oldest``, ``drop-newest``, or ``block``,
        which holds publishers back for up to a second. ``own=False`` leaves out what this
        client publishes. With ``credit`` so many messages are sent, and more only as
        :meth:`Subscription.credit` allows. Raises PermissionDenied, InvalidTopic, LimitExceeded.
        """
        inbox = Inbox() if callback is None else self._callbacks
        flags = (0 if own else wire.FLAG_NOT_OWN) | (0 if credit is None else wire.FLAG_BY_CREDIT)
        stream = Stream(topic_filter, policy, queue, flags, inbox)
        stream.handler, stream.credit = callback, credit or 0
        return self._subscribe(inbox, [stream])

    def store(self, topic: str, payload: Any = b"", timeout: float | None = None) -> None:
        """Publishes a message and returns when it is on the device's disk, wherever its topic is kept (``resources.keep``).

        If the link is lost meanwhile it is sent again, and kept once. Raises NotKept, QuotaExceeded, StorageFailed, PermissionDenied.
        """
        session, data, message_id = self._session, encode(payload), os.urandom(12).hex()
        session.check()
        deadline = monotonic() + (session.timeout if timeout is None else timeout)
        while True:
            try:
                left = max(0.01, deadline - monotonic())
                session.ask(lambda w: session.core.store(topic, data, message_id, w), left, "STORE")
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
        """Kept messages, each until it is acknowledged: iterate, and end each :class:`Delivery` with ``done()``.

        ``place`` is the name under which the device remembers, for good, what was acknowledged; clients of the application that
        use one place share its messages. ``start`` says where a new place begins: ``new`` or ``oldest``. ``window`` messages may
        be open at once (0: 64); one that is not answered within ``patience`` seconds (0: 30) comes again, at most ``attempts``
        times (0: without end), then it goes to ``dead_letter``. Raises NotKept, PermissionDenied, Conflict.
        """
        inbox = Inbox()
        consumer = Consumer(
            topic_filter, inbox, place=place, start=STARTS[start], window=window,
            patience_ms=milliseconds(patience), attempts=attempts, dead_letter=dead_letter,
        )  # fmt: skip
        return self._subscribe(inbox, [consumer])

    def forget(self, place: str) -> None:
        """Removes a place of :meth:`consume`; that there is none is an error."""
        self._session.ask(lambda w: self._session.core.forget_place(place, w), self._session.timeout, "FORGET")

    def history(
        self,
        topic_filter: str,
        *,
        since: float | None = None,
        until: float | None = None,
        limit: int = 0,
        newest: bool = False,
    ) -> list[Past]:
        """Kept messages of the past: since and until are seconds since 1970, limit 0 is 1,000.

        Where there are more than limit, the oldest, or with ``newest`` the newest. Raises NotKept, PermissionDenied.
        """
        session, waiter = self._session, None
        session.check()

        def make(w: Any) -> bytes:
            nonlocal waiter
            waiter = w
            return session.core.history(topic_filter, int(newest), limit, milliseconds(since), milliseconds(until), w)

        session.ask(make, session.timeout, "HISTORY")
        return waiter.items if waiter is not None else []

    def messages(self, *filters: str, policy: str = "drop-oldest", queue: int = 0) -> Subscription:
        """The messages of several filters in order of arrival: ``for m in client.messages("a", "b/#")``."""
        if not filters:
            raise TypeError("messages() needs at least one filter")
        inbox = Inbox()
        return self._subscribe(inbox, [Stream(f, policy, queue, 0, inbox) for f in filters])

    def responder(self, topic_filter: str, *, queue: int = 0) -> Callable[[Handler], Handler]:
        """Decorator: the function answers requests on these topics with what it returns.

        An exception is answered as an error, and written to stderr. A message that was
        published without expecting an answer comes to the function too.
        """

        def register(handler: Handler) -> Handler:
            stream = Stream(topic_filter, "drop-newest", queue, wire.FLAG_ANSWERS, self._callbacks)
            stream.handler = handler
            self._subscribe(self._callbacks, [stream])
            return handler

        return register

    def request(self, topic: str, payload: Any = b"", timeout: float = 10.0) -> Message:
        """Sends a request to whoever answers on the topic, and waits for the answer (timeout in seconds).

        Raises NoResponder, RequestTimeout, RemoteError (the responder failed), PermissionDenied.
        """
        session = self._session
        data = encode(payload)
        session.check()
        try:
            # The broker watches the time; this side waits a little longer.
            answer = session.ask(lambda w: session.core.request(topic, data, timeout, w), timeout + 1, "REQUEST")
        except RequestTimeout as e:
            raise RequestTimeout(f"no answer on {topic} within {timeout:g} s", topic=topic, code=e.code) from None
        return Message(topic, answer)

    def log(self, level: str, text: str) -> None:
        """Writes a line to the application's log; level is debug, info, warning or error."""
        frame = self._session.core.log(level, text)
        if frame:
            self._session.send(frame)

    def drain(self, timeout: float = 10.0) -> None:
        """Waits until the broker has handled everything sent so far; raises errors that came of it."""
        self._session.ask(self._session.core.ping, timeout, "PING")
        self._session.check()

    def close(self, timeout: float = 1.0) -> None:
        """Says goodbye, after everything sent before; waits for the broker at most so many seconds."""
        self._session.stop(timeout)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _subscribe(self, inbox: Inbox, streams: list[Stream]) -> Subscription:
        session = self._session
        session.check()
        for stream in streams:
            session.ask(partial(session.core.subscribe, stream), session.timeout, "SUBSCRIBE")
            if stream.handler is not None:
                self._start_callbacks()
        return Subscription(self, inbox, streams)

    def _unsubscribe(self, stream: Stream) -> None:
        session = self._session
        end = session.core.unwatch if stream.kind == wire.WATCH else session.core.unsubscribe
        try:
            session.ask(lambda w: end(stream, w), session.timeout, "UNSUBSCRIBE")
        except ClientClosed:
            stream.end()

    def _next(self, inbox: Inbox, streams: list[Stream], timeout: float | None) -> tuple[Stream, Message] | None:
        found = self._session.take(inbox)
        if found is not None:
            return found

        def ready() -> bool:
            nonlocal found
            found = inbox.pop()
            return found is not None or all(s.ended for s in streams)

        if self._session.wait(ready, timeout) and found is None:
            for error in (s.error for s in streams if s.error is not None):
                raise error
        return found

    # Callbacks.

    def _start_callbacks(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._call_back, name="fescue-callbacks", daemon=True)
                self._thread.start()

    def _call_back(self) -> None:
        never_ends = [Stream("", "block", 0, 0, self._callbacks)]
        try:
            while (found := self._next(self._callbacks, never_ends, None)) is not None:
                self._handle(*found)
        except FescueError:
            pass  # closed, or ended for good: every other call raises it
        finally:
            with self._starting:
                self._callbacks_ended = True
                if self._on_end is not None:
                    self._on_end()

    def _when_callbacks_end(self, hook: Callable[[], object] | None) -> None:
        """Calls hook when no more callbacks will come; never if there were none."""
        with self._starting:
            self._on_end = hook
            if hook is not None and self._callbacks_ended:
                hook()

    def _handle(self, stream: Stream, message: Message) -> None:
        assert stream.handler is not None
        try:
            answer = stream.handler(message)
            if isinstance(message, Call):
                self._session.send(wire.frame(wire.REPLY, message.id, encode(answer)))
        except ClientClosed:
            return
        except Exception as e:
            import traceback

            traceback.print_exc()
            if isinstance(message, Call):
                text = f"{type(e).__name__}: {e}"
                self._session.send(wire.error(message.id, wire.CODE_INTERNAL, wire.CALL, message.topic, text))


def connect(
    address: str | None = None,
    token: str | None = None,
    *,
    timeout: float = 10.0,
    hold: bool = False,
    on_error: Callable[[FescueError], object] | None = None,
) -> Client:
    """Connects to the device's Data Xchange; a context manager. See :class:`Client`."""
    return Client(address, token, timeout=timeout, hold=hold, on_error=on_error)
