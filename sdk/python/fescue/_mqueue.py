"""The link over POSIX message queues: lowest latency, one system call per message.

The two queues come as descriptors over the broker's rendezvous socket, which stays
open as the lifeline: a reader of a queue is never told that the other side died.
Queues are reached through the C library, with a time-out in the past where
others would set O_NONBLOCK, because that flag would be shared with the broker.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket

from . import _wire as wire
from ._errors import ConnectionLost, LimitExceeded, from_code
from ._links import Link, StreamLink, connect, shut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._wire import Reader


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _library() -> ctypes.CDLL:
    here = ctypes.CDLL(None, use_errno=True)
    if hasattr(here, "mq_timedreceive"):
        return here
    return ctypes.CDLL("librt.so.1", use_errno=True)  # glibc before 2.34


def _functions() -> tuple[ctypes._NamedFuncPointer, ctypes._NamedFuncPointer]:
    library = _library()
    receive, send = library.mq_timedreceive, library.mq_timedsend
    size, priority = ctypes.c_size_t, ctypes.c_uint
    receive.argtypes = (ctypes.c_int, ctypes.c_void_p, size, ctypes.c_void_p, ctypes.POINTER(_Timespec))
    receive.restype = ctypes.c_ssize_t
    send.argtypes = (ctypes.c_int, ctypes.c_char_p, size, priority, ctypes.POINTER(_Timespec))
    return receive, send


def open_queues(path: str, timeout: float) -> Link:
    """Queues from the broker's rendezvous socket; when there are none to be had, that socket."""
    rendezvous = connect(path, timeout)
    try:
        size, readable, writable = _meet(rendezvous)
        return MqueueLink(rendezvous, size, readable, writable)
    except LimitExceeded:
        return StreamLink(rendezvous)
    except BaseException:
        rendezvous.close()
        raise


class MqueueLink(Link):
    """Two message queues and the socket they came over."""

    def __init__(self, rendezvous: socket.socket, size: int, readable: int, writable: int) -> None:
        self._receive, self._send = _functions()
        self._at_once = ctypes.byref(_Timespec(0, 0))
        self._buffer: object = None
        self._address = 0
        self._rendezvous = rendezvous
        self._size, self.readable, self.writable = size, readable, writable
        self.lifeline = rendezvous.fileno()

    def read(self, reader: Reader) -> bool:
        reader.room(self._size)
        if self._buffer is not reader.buffer:
            # The C array keeps the buffer where it is; its address is asked for once.
            self._array = (ctypes.c_char * len(reader.buffer)).from_buffer(reader.buffer)
            self._buffer, self._address = reader.buffer, ctypes.addressof(self._array)
        room = len(reader.buffer) - reader.end
        n: int = self._receive(self.readable, self._address + reader.end, room, None, self._at_once)
        if n < 0:
            return self._failed("reading from")
        if n == 0:
            raise ConnectionLost("Data Xchange closed the session")
        reader.end += n
        return True

    def write(self, data: bytes | memoryview) -> int:
        chunk = bytes(data[: self._size])
        if self._send(self.writable, chunk, len(chunk), 0, self._at_once) == 0:
            return len(chunk)
        self._failed("writing to")
        return 0

    def _failed(self, doing: str) -> bool:
        code = ctypes.get_errno()
        if code in (errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR):
            return False
        raise ConnectionLost(f"{doing} Data Xchange: {os.strerror(code)}")

    def shutdown(self) -> None:
        shut(self._rendezvous)

    def close(self) -> None:
        for fd in (self.readable, self.writable):
            if fd >= 0:
                os.close(fd)
        self.readable = self.writable = -1
        self._rendezvous.close()


def _meet(s: socket.socket) -> tuple[int, int, int]:
    """Message size, queue to read, queue to write; or the broker's refusal as an exception."""
    reader = wire.Reader()
    try:
        head, fds, _, _ = socket.recv_fds(s, 8, 2, socket.MSG_CMSG_CLOEXEC)
        if len(fds) == 2 and len(head) == 8:
            return int.from_bytes(head[:4], "little"), fds[0], fds[1]
        for fd in fds:
            os.close(fd)
        while head:  # one ERROR frame, after which the broker waits for HELLO
            reader.room(len(head))[: len(head)] = head
            reader.end += len(head)
            for kind, _, body in reader.frames():
                if kind == wire.ERROR:
                    code, _, _, text = wire.read_error(body)
                    raise from_code(code, text)
            head = s.recv(4096)
    except OSError as e:
        raise ConnectionLost(f"asking Data Xchange for message queues: {e.strerror or e}") from e
    raise ConnectionLost("Data Xchange gave no message queues")
