"""A worker whose handler is ``async def``: invocations are tasks of one event loop."""

from __future__ import annotations

import asyncio

from . import _wire as wire
from ._context_async import AsyncContext
from ._errors import FescueError
from ._worker import Worker, describe, in_parts, not_begun, threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class AsyncWorker(Worker):
    """Runs as many invocations side by side as the broker sends."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._flushing = False
        self._came = asyncio.Event()  # credit, for anybody
        self._turn: asyncio.Lock | None = asyncio.Lock() if threads() == 1 else None
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._left: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self.fd, self._readable)
        await self._left
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        self._loop.remove_reader(self.fd)
        self.flush()

    def _readable(self) -> None:
        try:
            self.read()
            self.take()
        except Exception as e:
            if not self._left.done():
                self._left.set_exception(e)
        if self.leaving and not self._left.done():
            self._left.set_result(None)

    def invoke(self, ident: int, timeout: int, packed: bytes, payload: bytes) -> None:
        self._tasks[ident] = self._loop.create_task(self._handle(ident, timeout, packed, payload))

    def cancel(self, ident: int) -> None:
        self._loop.call_soon(self._cancel, ident)  # so that a task that was just made has reached its try

    def _cancel(self, ident: int) -> None:
        task = self._tasks.get(ident)
        if task is not None:
            self._cancelled.add(ident)
            task.cancel()

    async def _handle(self, ident: int, timeout: int, packed: bytes, payload: bytes) -> None:
        try:
            if self._turn is None:
                answer = await self._run(AsyncContext(self, ident, timeout, packed, payload))
            else:
                async with self._turn:  # one after the other, in order
                    answer = await self._run(AsyncContext(self, ident, timeout, packed, payload))
                    self._done(ident, answer)
                    self.flush()
                    return
        except asyncio.CancelledError:  # before it began
            answer = not_begun()
        self._done(ident, answer)
        if not self._flushing:  # once for all that end in this round of the loop
            self._flushing = True
            self._loop.call_soon(self._flush_soon)

    def _done(self, ident: int, answer: tuple[int, bytes]) -> None:
        self._tasks.pop(ident, None)
        self._cancelled.discard(ident)
        self.answer(ident, *answer)

    async def _run(self, context: AsyncContext) -> tuple[int, bytes]:
        ident = context.invocation_id
        try:
            result: Any = self.handler(context.event(), context)
            if hasattr(result, "__await__"):
                result = await result
            if in_parts(result):
                from ._parts import send_async

                return await send_async(self, context, result)
        except asyncio.CancelledError as e:
            if ident not in self._cancelled:
                return describe(e)
            return wire.FAILURE, wire.failure_body("Cancelled", "it was cancelled", "")
        except Exception as e:
            return describe(e)
        except BaseException as e:
            self._done(ident, describe(e))
            self.flush()
            raise
        return self.result(result)

    def more(self, ident: int, number: int) -> None:
        super().more(ident, number)
        self._came.set()

    async def may_send_soon(self, context: AsyncContext, size: int) -> None:
        """:meth:`may_send`, awaited."""
        await asyncio.sleep(0)  # what has come is read
        while self._credit[context.invocation_id] < size:
            self._came.clear()
            await self._came.wait()
        self._credit[context.invocation_id] -= size

    def _flush_soon(self) -> None:
        self._flushing = False
        self.flush()

    # What a context asks while others run.

    def later(self, frame: Callable[[int], bytes]) -> asyncio.Future[Any]:
        """Sends a frame with a receipt; the future has its answer."""
        receipt = self.receipt()
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked[receipt] = answer
        self.send(frame(receipt))
        return answer

    def answered(self, ident: int, answer: Any) -> None:
        waiting = self._asked.pop(ident, None)
        if waiting is None:
            super().answered(ident, answer)
            return
        self._awaited.discard(ident)
        if waiting.cancelled():
            return  # with its task
        if isinstance(answer, FescueError):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
