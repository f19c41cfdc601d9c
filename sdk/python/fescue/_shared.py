"""Functions over one client, connected at their first use, for programs that need no more."""

from __future__ import annotations

import os
import threading

from ._client import Client, Subscription
from ._errors import FescueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._client import Handler
    from ._message import Message


class _Shared:
    """The one client of a process, made when it is first needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: Client | None = None

    def client(self) -> Client:
        with self.lock:
            if self.made is None:
                self.made = Client()
            return self.made


_shared = _Shared()


def client() -> Client:
    """The shared client itself."""
    return _shared.client()


def publish(topic: str, payload: Any = b"", *, confirm: bool = False) -> None:
    """:meth:`Client.publish` of the shared client."""
    client().publish(topic, payload, confirm=confirm)


def subscribe(
    topic_filter: str,
    callback: Callable[[Message], Any] | None = None,
    *,
    policy: str = "drop-oldest",
    queue: int = 0,
) -> Subscription:
    """:meth:`Client.subscribe` of the shared client."""
    return client().subscribe(topic_filter, callback, policy=policy, queue=queue)


def request(topic: str, payload: Any = b"", timeout: float = 10.0) -> Message:
    """:meth:`Client.request` of the shared client."""
    return client().request(topic, payload, timeout)


def responder(topic_filter: str) -> Callable[[Handler], Handler]:
    """:meth:`Client.responder` of the shared client."""
    return client().responder(topic_filter)


def log(level: str, text: str) -> None:
    """:meth:`Client.log` of the shared client."""
    client().log(level, text)


def run() -> None:
    """Lets callbacks and responders work until SIGTERM or SIGINT, then closes the shared client.

    Raises what ended the connection for good, so that the program fails and is started again.
    Call it from the main thread.
    """
    import signal

    shared = client()
    # A signal's number is written into a pipe by the C handler itself: a Python handler may run too
    # late, for a thread that is about to block, and one that raises would do so anywhere.
    end, wake = os.pipe()
    os.set_blocking(wake, False)
    wake_before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    before = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        shared._when_callbacks_end(lambda: os.write(wake, b"\0"))
        while os.read(end, 1)[0] not in (0, *before):
            pass
        if shared._session.fatal is not None:
            raise shared._session.fatal
    finally:
        shared._when_callbacks_end(None)
        close()
        for s, handler in before.items():
            signal.signal(s, handler)
        signal.set_wakeup_fd(wake_before)
        os.close(end)
        os.close(wake)


def close() -> None:
    """Closes the shared client; the next use makes another."""
    with _shared.lock:
        made, _shared.made = _shared.made, None
    if made is not None:
        made.close()


__all__ = ["FescueError", "client", "close", "log", "publish", "request", "responder", "run", "subscribe"]
