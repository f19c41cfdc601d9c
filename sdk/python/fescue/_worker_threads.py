"""A worker whose invocations run in threads, for handlers that wait a lot (FESCUE_CONCURRENCY)."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from ._context import Context
from ._worker import Worker, leave, not_begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Union

    Job = Union[Context, None]


class ThreadedWorker(Worker):
    """The main thread reads the link; as many threads as asked for run the handler."""

    def __init__(self, fd: int, threads: int) -> None:
        super().__init__(fd)
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._contexts: dict[int, Context] = {}
        self._writing = threading.Lock()
        self._answered = threading.Condition()
        self._threads = [threading.Thread(target=self._serve, name=f"fescue-{n}", daemon=True) for n in range(threads)]

    def run(self) -> None:
        for thread in self._threads:
            thread.start()
        while not self.leaving:
            self._read_once()
        for _ in self._threads:
            self._jobs.put(None)
        threading.Thread(target=self._read_on, daemon=True).start()  # what is under way may yet ask
        for thread in self._threads:
            thread.join()

    def _read_once(self) -> None:
        self.read()
        with self._answered:
            self.take()
            self._answered.notify_all()

    def _read_on(self) -> None:
        while True:
            self._read_once()

    def invoke(self, ident: int, timeout: int, packed: bytes, payload: bytes) -> None:
        context = Context(self, ident, timeout, packed, payload)
        self._contexts[ident] = context
        self._jobs.put(context)

    def cancel(self, ident: int) -> None:
        context = self._contexts.get(ident)
        if context is not None:
            context.cancelled = True

    def _serve(self) -> None:
        while (context := self._jobs.get()) is not None:
            try:
                self.answer(context.invocation_id, *(not_begun() if context.cancelled else self._call(context)))
            except BaseException:  # SystemExit: a thread alone cannot end the process
                leave(1)
            self._contexts.pop(context.invocation_id, None)

    def answer(self, ident: int, kind: int, body: bytes) -> None:
        self.send(self.framed(ident, kind, body))

    def may_send(self, context: Context, size: int) -> bool:
        ident = context.invocation_id
        with self._answered:
            self._answered.wait_for(lambda: context.cancelled or self._credit[ident] >= size)
            self._credit[ident] -= size
        return not context.cancelled

    def send(self, data: bytes) -> None:
        with self._writing:
            super().send(data)

    def ask(self, frame: Callable[[int], bytes]) -> bytes | None:
        with self._answered:
            return super().ask(frame)

    def _wait_for(self, receipt: int) -> None:
        self._answered.wait_for(lambda: receipt in self._answers)
