"""The body of an HTTP request while it is on its way."""

from __future__ import annotations

import io
import os


class _Upload(io.RawIOBase):
    """A named pipe of the agent; a file beside it says that all has come."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._pipe = open(path, "rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        n = self._pipe.readinto(buffer) or 0
        if n == 0 and len(buffer) > 0 and not os.path.exists(self.name + ".complete"):
            raise OSError("the request's body was cut off: its sender has gone, or sent too much")
        return n

    def close(self) -> None:
        self._pipe.close()
        super().close()


def open_upload(path: str) -> io.BufferedReader:
    """Opens the body for reading; it may wait for the agent for some milliseconds."""
    return io.BufferedReader(_Upload(path), 64 << 10)
