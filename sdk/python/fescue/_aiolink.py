"""A link in an event loop: reads when there is something, writes when there is room."""

from __future__ import annotations

import asyncio

from ._errors import ConnectionLost, Malformed
from ._links import Link, open_link
from ._wire import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_READS = 16  # at most so many reads before others have their turn
_ENOUGH = 1 << 18  # bytes that may wait to be written before publishers wait too


class Connection:
    """One link, from its opening to its loss.

    ``arrived`` is called when the reader has new bytes, ``gone`` once when the link is lost.
    """

    def __init__(self, link: Link, arrived: Callable[[Connection], None], gone: Callable[[Connection], None]) -> None:
        self.reader = Reader()
        self.lost = False
        self._link = link
        self._arrived, self._gone = arrived, gone
        self._loop = asyncio.get_running_loop()
        self._out = bytearray()
        self._sleepers: list[asyncio.Future[None]] = []
        self._paused = True
        self.resume()
        if link.lifeline >= 0:
            self._loop.add_reader(link.lifeline, self._lifeline_ended)

    @classmethod
    async def open(
        cls, address: str, timeout: float, arrived: Callable[[Connection], None], gone: Callable[[Connection], None]
    ) -> Connection:
        """Connects; opening can block for a moment, so it is done aside."""
        link = await asyncio.get_running_loop().run_in_executor(None, open_link, address, timeout)
        return cls(link, arrived, gone)

    def resume(self) -> None:
        """Reads again after :meth:`pause`."""
        if self._paused and not self.lost:
            self._paused = False
            self._loop.add_reader(self._link.readable, self._readable)

    def pause(self) -> None:
        """Lets what comes wait in the link."""
        if not self._paused and not self.lost:
            self._paused = True
            self._loop.remove_reader(self._link.readable)

    def _readable(self) -> None:
        try:
            for _ in range(_READS):
                if self._paused or not self._link.read(self.reader):
                    break
                self._arrived(self)
        except (ConnectionLost, Malformed):
            self.close()
        self._wake()

    def _lifeline_ended(self) -> None:
        try:
            while self._link.read(self.reader):
                self._arrived(self)
        except (ConnectionLost, Malformed):
            pass
        self.close()

    def write(self, data: bytes) -> None:
        """Writes now what there is room for, the rest when there is."""
        if self.lost or not data:
            return
        if self._out:
            self._out += data
            return
        try:
            done = self._link.write(data)
        except ConnectionLost:
            self.close()
            return
        if done < len(data):
            self._out += memoryview(data)[done:]
            self._loop.add_writer(self._link.writable, self._writable)

    def _writable(self) -> None:
        try:
            while self._out:
                done = self._link.write(bytes(self._out[:65536]))
                if done == 0:
                    return
                del self._out[:done]
        except ConnectionLost:
            self.close()
            return
        self._loop.remove_writer(self._link.writable)
        self._wake()

    async def drained(self) -> None:
        """Waits while much is waiting to be written."""
        while len(self._out) > _ENOUGH and not self.lost:
            await self.changed(None)

    async def ended(self, timeout: float) -> None:
        """Waits until the other side has closed, at most so many seconds."""
        until = self._loop.time() + timeout
        while not self.lost and await self.changed(until - self._loop.time()):
            pass

    async def changed(self, timeout: float | None) -> bool:
        """Waits until something was read or written, or the link is lost; False after the time-out."""
        if self.lost:
            return True
        sleeper: asyncio.Future[None] = self._loop.create_future()
        self._sleepers.append(sleeper)
        done, _ = await asyncio.wait([sleeper], timeout=timeout)
        return bool(done)

    def _wake(self) -> None:
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self._sleepers.clear()

    def close(self) -> None:
        """Gives the link up."""
        if self.lost:
            return
        self.lost = True
        self._loop.remove_reader(self._link.readable)
        self._loop.remove_writer(self._link.writable)
        if self._link.lifeline >= 0:
            self._loop.remove_reader(self._link.lifeline)
        self._link.close()
        self._gone(self)
        self._wake()
