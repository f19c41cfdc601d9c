"""Links: the bytes of frames, to and from Data Xchange.

A :class:`Link` never blocks but in :meth:`Link.wait`, so that both clients, the blocking
one and the asyncio one, use the same. Which one it is says FESCUE_EXCHANGE.
"""

from __future__ import annotations

import os
import select
import socket

from ._errors import ConnectionLost, FescueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._wire import Reader


class Link:
    """A stream of bytes in both directions.

    ``readable`` and ``writable`` are the descriptors to poll; ``lifeline`` is a
    further one that becomes readable when the broker is gone, or -1 where
    ``readable`` tells that itself.
    """

    readable = -1
    writable = -1
    lifeline = -1

    def read(self, reader: Reader) -> bool:
        """Reads what is there, once; False if nothing is. Raises ConnectionLost at the end."""
        raise NotImplementedError

    def write(self, data: bytes | memoryview) -> int:
        """Writes a part or all of data and tells how much; 0 if there is no room now."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """Ends the session, so that who waits in another thread is woken."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives the descriptors back; nobody may be waiting."""
        raise NotImplementedError

    def wait(self, timeout: float | None, *, writing: bool = False) -> bool:
        """Blocks until there is something to read, or room to write; False after the time-out (seconds).

        Raises ConnectionLost if the broker is gone; a last read comes before that.
        """
        poll = select.poll()
        if writing:
            poll.register(self.writable, select.POLLOUT)
        else:
            poll.register(self.readable, select.POLLIN)
        if self.lifeline >= 0:
            poll.register(self.lifeline, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(None if timeout is None else max(0, timeout * 1000))}
        if ready == {self.lifeline}:
            raise ConnectionLost("Data Xchange closed the session")
        return bool(ready)


class StreamLink(Link):
    """A stream socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self.readable = self.writable = self._socket.fileno()

    def read(self, reader: Reader) -> bool:
        try:
            n = os.readv(self.readable, [reader.room()])
        except BlockingIOError:
            return False
        except OSError as e:
            raise ConnectionLost(f"reading from Data Xchange: {e.strerror}") from e
        if n == 0:
            raise ConnectionLost("Data Xchange closed the session")
        reader.end += n
        return True

    def write(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self.writable, data)
        except BlockingIOError:
            return 0
        except OSError as e:
            raise ConnectionLost(f"writing to Data Xchange: {e.strerror}") from e

    def shutdown(self) -> None:
        shut(self._socket)

    def close(self) -> None:
        self._socket.close()


class UnixLink(StreamLink):
    """A Unix stream socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__(connect(path, timeout))


class TcpLink(StreamLink):
    """A TCP connection on this machine; the address is HOST:PORT."""

    def __init__(self, address: str, timeout: float) -> None:
        host, _, port = address.rpartition(":")
        try:
            connected = socket.create_connection((host.strip("[]"), int(port)), timeout)
        except (OSError, ValueError) as e:
            raise ConnectionLost(f"connecting to Data Xchange at {address}: {e}") from e
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(connected)


def connect(path: str, timeout: float) -> socket.socket:
    """A connected Unix stream socket; ConnectionLost if nobody answers there."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        s.settimeout(timeout)
        s.connect(path)
    except OSError as e:
        s.close()
        raise ConnectionLost(f"connecting to Data Xchange at {path}: {e.strerror or e}") from e
    return s


def shut(s: socket.socket) -> None:
    """Ends both directions of a socket, whose other side may have done so."""
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def open_link(address: str, timeout: float) -> Link:
    """The link for an address such as ``unix:/run/fescue/exchange.sock``; timeout in seconds."""
    scheme, _, path = address.partition(":")
    if scheme == "unix" and path:
        return UnixLink(path, timeout)
    if scheme == "tcp" and ":" in path:
        return TcpLink(path, timeout)
    if scheme == "mqueue" and path:
        from ._mqueue import open_queues

        return open_queues(path, timeout)
    raise FescueError(
        f"FESCUE_EXCHANGE is {address!r}",
        hint="the agent sets it for applications it starts; it is unix:PATH, mqueue:PATH or tcp:HOST:PORT",
    )
