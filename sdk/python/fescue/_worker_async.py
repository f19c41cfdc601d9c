"""A worker whose handler is ``async def``: invocations are tasks of one event loop."""

from __future__ import annotations

import asyncio

from ._context_async import AsyncContext
from ._errors import FescueError
from ._worker import Worker, describe, threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class AsyncWorker(Worker):
    """Runs as many invocations side by side as the broker sends."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._flushing = False
        self._turn: asyncio.Lock | None = asyncio.Lock() if threads() == 1 else None
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._left: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self.fd, self._readable)
        await self._left
        self._loop.remove_reader(self.fd)
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
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
        context = AsyncContext(self, ident, timeout, packed, payload)
        self._tasks[ident] = self._loop.create_task(self._handle(context))

    def cancel(self, ident: int) -> None:
        task = self._tasks.get(ident)
        if task is not None:
            task.cancel()

    async def _handle(self, context: AsyncContext) -> None:
        if self._turn is None:
            await self._run(context)
            return
        try:
            async with self._turn:  # one after the other, in order
                await self._run(context)
                self.flush()
        except asyncio.CancelledError as e:  # before it began
            self._tasks.pop(context.invocation_id, None)
            self.answer(context.invocation_id, *describe(e))
            self.flush()

    async def _run(self, context: AsyncContext) -> None:
        try:
            result: Any = await self.handler(context.event(), context)
        except (Exception, asyncio.CancelledError) as e:
            answer = describe(e)
        except BaseException as e:
            self.answer(context.invocation_id, *describe(e))
            self.flush()
            raise
        else:
            answer = self.result(result)
        self._tasks.pop(context.invocation_id, None)
        self.answer(context.invocation_id, *answer)
        if not self._flushing:  # once for all that end in this round of the loop
            self._flushing = True
            self._loop.call_soon(self._flush_soon)

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
