"""A blocking session with Data Xchange, shared by threads, that comes back by itself.

No thread of its own reads the link: whoever waits for something reads for all
(the *leader*), the others wait for what the leader finds. So a program that iterates
over messages has one thread, and no message is handed from one thread to another.
While nobody waits, nothing is read, and the broker applies the subscriptions'
policies: that is the flow control.
"""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic

from . import _wire as wire
from ._core import Core, Waiter
from ._errors import ClientClosed, ConnectionLost, FescueError, Malformed, Overflow, Unauthenticated, VersionMismatch
from ._links import Link, open_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ._core import Inbox, Stream
    from ._message import Message

PAUSE, LONGEST_PAUSE = 0.1, 2.0  # between attempts to connect again, in seconds
TOKEN_PATIENCE = 30.0  # how long a token may be unknown to a broker that has just started
_GLANCE = 0.05  # how often one who only publishes looks for errors
_MOST_HELD = 65536  # bytes that are held back


class Session:
    """Link, core and lock; the client is made of it."""

    def __init__(self, address: str, token: str, name: str, timeout: float, hold: bool = False) -> None:
        self.core = Core()
        self.timeout = timeout
        self.on_error: Callable[[FescueError], object] | None = None
        self._address, self._token, self._name = address, token, name
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._writing = threading.Lock()
        self._hold = hold
        self._held = bytearray()  # frames that go out later, together
        self._link: Link | None = None
        self._dead: list[Link] = []  # given up, but the leader may still be polling them
        self._reader = wire.Reader()
        self._leading = False
        self._generation = 0  # counts the links
        self._pause = PAUSE
        self._refused_since = 0.0
        self._glanced = 0.0
        self._untold: list[FescueError] = []
        self._late: list[FescueError] = []  # for the next call
        self._closing = False
        self._fatal: FescueError | None = None

    # Connecting.

    def start(self) -> None:
        """The first connection: its failure is the caller's."""
        self._connect(monotonic() + self.timeout)

    def _connect(self, deadline: float) -> None:
        """A link, HELLO and WELCOME, and everything that was granted on the link before."""
        link = open_link(self._address, max(0.01, deadline - monotonic()))
        try:
            reader = wire.Reader()
            self._greet(link, reader, deadline)
            with self._writing, self._lock:
                if self._closing:
                    raise ClientClosed("the client is closed")
                _write_all(link, self.core.resume(), self.timeout)
                self._link, self._reader = link, reader
                self._generation += 1
                self._pause, self._refused_since = PAUSE, 0.0
        except BaseException:
            link.close()
            raise

    def _greet(self, link: Link, reader: wire.Reader, deadline: float) -> None:
        _write_all(link, self.core.hello(self._token, self._name), self.timeout)
        while not self.core.welcomed:
            left = deadline - monotonic()
            if left <= 0:
                raise ConnectionLost("Data Xchange did not answer HELLO in time")
            try:
                if not link.read(reader):
                    link.wait(left)
                    continue
            except ConnectionLost as e:
                raise self.core.refusal or e from None
            for kind, ident, body in reader.frames():
                self.core.handle(kind, ident, body)
                if self.core.welcomed:
                    break  # what follows belongs to the session

    def _reconnect(self, timeout: float | None) -> None:
        """As leader: tries until connected, or the time-out has passed."""
        deadline = None if timeout is None else monotonic() + timeout
        while not self._closing:
            pause = self._pause if deadline is None else min(self._pause, deadline - monotonic())
            with self._lock:
                if pause <= 0 or self._changed.wait_for(lambda: self._closing, pause):
                    return
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            try:
                self._connect(monotonic() + self.timeout)
            except (Unauthenticated, VersionMismatch) as e:
                self._refused_since = self._refused_since or monotonic()
                if isinstance(e, VersionMismatch) or monotonic() - self._refused_since > TOKEN_PATIENCE:
                    self._fatal = e
                    return
            except (FescueError, OSError):
                continue
            else:
                return

    def _drop_link(self, link: Link) -> None:
        """Gives a link up; it is closed when nobody polls it any more."""
        with self._writing, self._lock:
            if self._link is not link:
                return
            self._link = None
            self.core.lost()
            self._changed.notify_all()
            link.shutdown()
            self._dead.append(link)
            if not self._leading:
                self._bury()

    def _bury(self) -> None:
        while self._dead:
            self._dead.pop().close()

    # Reading.

    def take(self, inbox: Inbox) -> tuple[Stream, Message] | None:
        """The oldest message, if one has been read."""
        with self._lock:
            return inbox.pop()

    def wait(self, ready: Callable[[], object], timeout: float | None) -> bool:
        """Reads, or lets another thread read, until ready() is true; False after the time-out.

        ready is called with the lock held. Raises what ended the session for good.
        """
        deadline = None if timeout is None else monotonic() + timeout
        with self._lock:
            while not ready():
                self._check()
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    return False
                if self._leading:
                    self._changed.wait(left)
                else:
                    self._lead(left)
        return True

    def _lead(self, timeout: float | None) -> None:
        """With the lock held, once: reads one batch without it."""
        self._leading = True
        try:
            self._lock.release()
            try:
                self._read(timeout)
            finally:
                self._lock.acquire()
        finally:
            self._leading = False
            self._bury()
            self._changed.notify_all()
        if self._untold:
            errors, self._untold = self._untold, []
            self._lock.release()  # on_error may use the client
            try:
                for error in errors:
                    self._tell(error)
            finally:
                self._lock.acquire()

    def _read(self, timeout: float | None) -> None:
        link = self._link
        if link is None:
            if not self._closing:
                self._reconnect(timeout)
            return
        try:
            if not link.read(self._reader):
                if self._held:
                    self._send_on(self._generation, b"")
                if not link.wait(timeout):
                    return
                link.read(self._reader)
            with self._lock:
                for kind, ident, body in self._reader.frames():
                    self.core.handle(kind, ident, body)
                answers, self.core.outbox = self.core.outbox, []
                self._untold += self.core.late
                self.core.late = []
            if answers:
                self._send_on(self._generation, b"".join(answers))
        except (ConnectionLost, Malformed):
            self._drop_link(link)

    def _tell(self, error: FescueError) -> None:
        """An error that no call waits for: to on_error, else to the next call."""
        if self.on_error is not None:
            self.on_error(error)
        elif isinstance(error, Overflow):
            print(f"fescue: {error}", file=sys.stderr)  # the application's log
        else:
            self._late.append(error)

    def _glance(self) -> None:
        """Reads what has come, without waiting, now and then."""
        now = monotonic()
        if now - self._glanced < _GLANCE:
            return
        self._glanced = now
        with self._lock:
            if not self._leading and self._link is not None:
                self._lead(0)

    # Writing.

    def send(self, data: bytes) -> None:
        """Writes frames; if the link is lost, on the next one."""
        if self._hold:
            with self._writing:
                self._held += data
                if len(self._held) < _MOST_HELD:
                    return
            data = b""
        while True:
            with self._writing:
                link = self._link
                try:
                    if link is not None:
                        return _write_all(link, self._with_held(data), self.timeout)
                except ConnectionLost:
                    pass
            if link is not None:
                self._drop_link(link)
            with self._lock:
                self._check()
            self._need_link()

    def flush(self) -> None:
        """Writes what is held back."""
        if self._held:
            self._send_on(self._generation, b"")

    def _with_held(self, data: bytes) -> bytes:
        """What is held back, and data after it; writing is locked. What a broken link does not take is lost."""
        if self._held:
            data, self._held = bytes(self._held) + data, bytearray()
        return data

    def _send_on(self, generation: int, data: bytes) -> None:
        """Writes frames on this link or not at all: the next one begins with what it must be told."""
        with self._writing:
            link = self._link
            if link is None or self._generation != generation:
                return
            try:
                return _write_all(link, self._with_held(data), self.timeout)
            except ConnectionLost:
                pass
        self._drop_link(link)

    def _need_link(self) -> None:
        if not self.wait(lambda: self._link is not None, self.timeout):
            raise ConnectionLost(f"there has been no link to Data Xchange for {self.timeout:g} s")

    def ask(self, frame: Callable[[Waiter], bytes], timeout: float, what: str) -> bytes:
        """Sends a frame and waits for its answer; timeout in seconds."""
        waiter = Waiter()
        while self._link is None:
            self._need_link()
        with self._lock:
            self._check()
            data, generation = frame(waiter), self._generation
        try:
            if data:
                self._send_on(generation, data)
            if not self.wait(lambda: waiter.done, timeout):
                raise ConnectionLost(f"Data Xchange did not answer {what} within {timeout:g} s")
        except BaseException:
            with self._lock:
                self.core.forget(waiter)
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value

    @property
    def fatal(self) -> FescueError | None:
        """What ended the session for good, though nobody closed it."""
        return self._fatal

    def check(self) -> None:
        """Raises what happened since the last call and no call was told of."""
        self._glance()
        if self._late or self._closing or self._fatal is not None:
            with self._lock:
                self._check()
                if self._late:
                    raise self._late.pop(0)

    def _check(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self._closing:
            raise ClientClosed("the client is closed")

    # The end.

    def stop(self, timeout: float) -> None:
        """Says goodbye and waits until the broker has handled everything before it."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
            generation = self._generation
        self._send_on(generation, wire.goodbye())
        deadline = monotonic() + timeout
        with self._lock:
            while self._link is not None and monotonic() < deadline:
                if self._leading:
                    self._changed.wait(deadline - monotonic())
                else:
                    self._lead(deadline - monotonic())
            link = self._link
        if link is not None:
            self._drop_link(link)


def _write_all(link: Link, data: bytes, patience: float) -> None:
    """Writes all of data; ConnectionLost if nothing is taken for so many seconds."""
    done = link.write(data)
    while done < len(data):
        if not link.wait(patience, writing=True):
            raise ConnectionLost("Data Xchange does not read")
        done += link.write(memoryview(data)[done:])


def default_address() -> str:
    """FESCUE_EXCHANGE; FescueError if it is not set."""
    address = os.environ.get("FESCUE_EXCHANGE", "")
    if not address:
        raise FescueError(
            "FESCUE_EXCHANGE is not set",
            hint="the agent sets it for the applications it starts: deploy this program with `fescue deploy`",
        )
    return address
