"""Runs a function; see :mod:`fescue.worker`, which is how it is started.

Little is imported here, and late: all of it is part of a cold start.
"""

from __future__ import annotations

import os
import sys

from . import _wire as wire
from ._context import Context
from ._errors import FescueError, Malformed, RemoteError, TooLarge, from_code
from ._message import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable

    Handler = Callable[[Any, Context], Any]

# What a context asks: frames whose id is the receipt under which the answer comes.
_ASKED = (wire.PUBLISHTO, wire.REQUEST, wire.STORE, wire.HISTORY, wire.GET, wire.PUT, wire.DELETE, wire.WATCH)
_CAPABILITIES = wire.FUNCTIONS | wire.REQUESTS | wire.LOGS | wire.STATE | wire.DURABLE | wire.HISTORIES | wire.PARTS
_HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """The link, and the loop of the main thread."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.reader = wire.Reader()
        self.max_body = 1 << 20
        self.in_parts = False  # the broker takes results so
        self.leaving = False
        self.handler: Handler = _no_handler
        self._backlog: dict[int, tuple[int, bytes, bytes]] = {}  # by id, in order of arrival
        self._allowed: set[str] = set()
        self._answers: dict[int, Any] = {}
        self._parts: dict[int, list[Any]] = {}  # of answers that are not complete
        self._receipt = 0
        self._awaited: set[int] = set()  # receipts
        self._held: list[bytes] = []
        self._poll: Any = None
        self._current: Context | None = None
        self._credit: dict[int, int] = {}  # of results in parts, in bytes

    # The loop.

    def run(self) -> None:
        """Serves invocations until GOODBYE."""
        waiting = self._backlog
        while not self.leaving:
            self.read()
            self.take()
            while waiting:
                ident = next(iter(waiting))
                self._current = Context(self, ident, *waiting.pop(ident))
                self.answer(ident, *self._call(self._current))
                self.flush()  # before the next begins: so the broker knows which has (wire.QUEUES)
                if waiting and self._readable():  # the next may have been cancelled
                    self.read()
                    self.take()

    def read(self) -> None:
        """Reads once, blocking. Ends the process if the link is closed: nobody is there any more."""
        reader = self.reader
        try:
            n = os.readv(self.fd, [reader.room()])
        except OSError:
            n = 0
        if n == 0:
            leave(1)
        reader.end += n

    def _readable(self) -> bool:
        if self._poll is None:
            import select

            self._poll = select.poll()
            self._poll.register(self.fd, select.POLLIN)
        return bool(self._poll.poll(0))

    def take(self) -> None:
        """Handles the frames that have been read; invocations go to :meth:`invoke`."""
        for kind, ident, body in self.reader.frames():
            if kind == wire.INVOKE:
                try:
                    timeout, packed, payload = wire.read_invoke(body)
                except wire.UNREADABLE as e:
                    raise Malformed(f"INVOKE: {e}") from e
                self.invoke(ident, timeout, packed, payload)
            else:
                self._control(kind, ident, body)

    def invoke(self, ident: int, timeout: int, packed: bytes, payload: bytes) -> None:
        """An invocation that arrived. Other ways of running them override this."""
        self._backlog[ident] = (timeout, packed, payload)

    def cancel(self, ident: int) -> None:
        """Nobody waits for this invocation any longer."""
        if self._backlog.pop(ident, None) is not None:
            self.answer(ident, *not_begun())
            self.flush()
        elif self._current is not None and self._current.invocation_id == ident:
            self._current.cancelled = True

    def _control(self, kind: int, ident: int, body: memoryview) -> None:
        if kind == wire.CANCEL:
            self.cancel(ident)
        elif kind == wire.GOODBYE:
            self.leaving = True
        elif kind == wire.PING:
            self.send(wire.frame(wire.PONG, ident, bytes(body)))
        elif kind == wire.WELCOME:
            _, capabilities, self.max_body, _, _ = wire.read_welcome(body)
            self.in_parts = bool(capabilities & wire.PARTS)
        elif kind == wire.MORE:
            self.more(ident, wire.read_more(body))
        elif kind == wire.OK:
            if body[0] != wire.WATCH:  # whose answer is what it lists
                self.answered(ident, self._parts.pop(ident, None))
        elif kind == wire.REPLY:
            self.answered(ident, bytes(body))
        elif kind == wire.ERROR:
            self._refused(ident, body)
        elif kind in (wire.VALUE, wire.STORED, wire.CHANGE, wire.PAST):
            self._kept(kind, ident, body)

    def answered(self, ident: int, answer: Any) -> None:
        """An answer has come; one that nobody waits for is dropped."""
        if ident in self._awaited:
            self._awaited.remove(ident)
            self._answers[ident] = answer

    def _kept(self, kind: int, ident: int, body: memoryview) -> None:
        """An answer from the application's state or kept topics, or a part of one."""
        from ._context_kept import read

        answer, complete = read(kind, body)
        if not complete:
            self._parts.setdefault(ident, []).append(answer)
        elif kind == wire.CHANGE:  # the end of a listing
            self.answered(ident, self._parts.pop(ident, []))
        else:
            self.answered(ident, answer)

    def _refused(self, ident: int, body: memoryview) -> None:
        code, refused, topic, text = wire.read_error(body)
        error = from_code(code, text, topic)
        if refused == wire.PUBLISHTO:
            self._allowed.discard(topic)  # the next one asks again
        elif refused == wire.REQUEST and code == wire.CODE_INTERNAL:
            error = RemoteError(text, topic=topic, code=code)
        if ident and refused in _ASKED:
            self._parts.pop(ident, None)
            self.answered(ident, error)
        else:
            print(f"fescue: {error}", file=sys.stderr)

    # Invocations.

    def _call(self, context: Context) -> tuple[int, bytes]:
        """The type and body of the answer."""
        try:
            result = self.handler(context.event(), context)
            if hasattr(result, "__await__"):
                result = self._await(result)
            if in_parts(result):
                from ._parts import send

                return send(self, context, result)
        except BaseException as e:
            answer = describe(e)
            if not isinstance(e, Exception):  # SystemExit, KeyboardInterrupt: its answer, then what it asks for
                self.answer(context.invocation_id, *answer)
                self.flush()
                raise
            return answer
        return self.result(result)

    def _await(self, awaitable: Any) -> Any:
        """What a plain function gave that must be awaited, such as a decorated coroutine function's."""
        import asyncio

        async def outcome() -> Any:
            return await awaitable

        return asyncio.run(outcome())

    def result(self, result: Any) -> tuple[int, bytes]:
        """RESULT, or FAILURE if what the handler returned cannot be sent."""
        try:
            body = encode(result)
        except (TypeError, ValueError, RecursionError) as e:
            text = f"what the handler returned cannot be sent: {e}; return bytes, str, None or what JSON can hold"
            return wire.FAILURE, wire.failure_body(type(e).__name__, text, "")
        if len(body) > self.max_body:
            text = f"the handler returned {len(body):,} bytes, the broker accepts {self.max_body:,}"
            return wire.FAILURE, wire.failure_body("TooLarge", text, "")
        return wire.RESULT, body

    def begin_parts(self, ident: int) -> None:
        """The result of an invocation comes in parts."""
        self._credit[ident] = wire.WINDOW

    def end_parts(self, ident: int) -> None:
        """It has."""
        self._credit.pop(ident, None)

    def more(self, ident: int, number: int) -> None:
        """So many bytes more may be sent."""
        if ident in self._credit:
            self._credit[ident] += number

    def may_send(self, context: Context, size: int) -> bool:
        """Waits until so many bytes may be sent. False: nobody waits for them any longer."""
        if self._readable():
            self.read()
            self.take()
        while not context.cancelled and self._credit[context.invocation_id] < size:
            self.read()
            self.take()
        self._credit[context.invocation_id] -= size
        return not context.cancelled

    def answer(self, ident: int, kind: int, body: bytes) -> None:
        """Holds an answer until :meth:`flush`."""
        self._held.append(self.framed(ident, kind, body))

    def framed(self, ident: int, kind: int, body: bytes) -> bytes:
        """The frame of an answer; a stack trace that makes it larger than the broker accepts is cut."""
        return wire.frame(kind, ident, body if len(body) <= self.max_body else body[: self.max_body])

    def flush(self) -> None:
        """Writes the answers held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self.send(data)

    def send(self, data: bytes) -> None:
        """Writes frames."""
        try:
            done = os.write(self.fd, data)
            while done < len(data):
                done += os.write(self.fd, memoryview(data)[done:])
        except OSError:
            leave(1)

    # What a context can do.

    def publish(self, topic: str, payload: Any) -> None:
        """Publishes on a topic; the first time, waits until that is allowed."""
        data = self.fitting(topic, payload, 2)
        self.flush()
        if topic in self._allowed:
            self.send(wire.publish_to(0, topic, data))
            return
        self.ask(lambda receipt: wire.publish_to(receipt, topic, data))
        self._allowed.add(topic)

    def fitting(self, topic: str, payload: Any, fields: int) -> bytes:
        """A payload's bytes. Raises TooLarge if the broker does not accept them, with the topic and so many bytes of fields."""
        data = encode(payload)
        if fields + len(wire.topic_bytes(topic)) + len(data) > self.max_body:
            raise TooLarge(f"{len(data):,} bytes on {topic}; the broker accepts {self.max_body:,}", topic=topic)
        return data

    def receipt(self) -> int:
        """A free number, under which an answer will come. It fits the ids of watches, the smallest there are."""
        while True:
            self._receipt = self._receipt % wire.MAX_ID + 1
            if self._receipt not in self._awaited:
                self._awaited.add(self._receipt)
                return self._receipt

    def ask(self, frame: Callable[[int], bytes]) -> Any:
        """Sends a frame with a receipt and reads on until its answer comes; invocations wait meanwhile."""
        self.flush()
        receipt = self.receipt()
        self.send(frame(receipt))
        self._wait_for(receipt)
        answer = self._answers.pop(receipt)
        if isinstance(answer, FescueError):
            raise answer
        return answer

    def _wait_for(self, receipt: int) -> None:
        while receipt not in self._answers:
            self.read()
            self.take()

    def log(self, level: str, text: str) -> None:
        """A line for the application's log."""
        self.send(wire.log(level, text))


def _no_handler(_event: Any, _context: Context) -> Any:
    raise RuntimeError("no handler is loaded")


def leave(status: int) -> None:
    """Ends the process at once, what was printed excepted."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


def in_parts(result: Any) -> bool:
    """Whether a result, or its body, is to be sent piece by piece."""
    body = result.get("body") if type(result) is dict else result
    return hasattr(body, "__next__") or hasattr(body, "__aiter__")


def not_begun() -> tuple[int, bytes]:
    """The answer to an invocation that was cancelled in time."""
    return wire.FAILURE, wire.failure_body("Cancelled", "it was cancelled before it began", "")


def describe(error: BaseException) -> tuple[int, bytes]:
    """A FAILURE: type, message and stack trace, from the application's first frame on."""
    import traceback

    trace: TracebackType | None = error.__traceback__
    while trace is not None and _ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    stack = "".join(traceback.format_exception(type(error), error, trace))
    return wire.FAILURE, wire.failure_body(type(error).__name__, str(error), stack)


def _ours(filename: str) -> bool:
    """This package's files, and the machinery that loads modules and runs coroutines."""
    return filename.startswith((_HERE + os.sep, "<frozen ")) or os.sep + "asyncio" + os.sep in filename


class HandlerNotFound(Exception):
    """FESCUE_HANDLER does not name a function."""


def load(name: str) -> Handler:
    """The function that ``module.function`` names."""
    module_name, _, function = name.rpartition(".")
    if not module_name or not function:
        raise HandlerNotFound(f"handler {name!r} is not of the form module.function")
    __import__(module_name)
    module = sys.modules[module_name]
    handler = getattr(module, function, None)
    if handler is None:
        there = ", ".join(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
        raise HandlerNotFound(f"module {module_name} has no function {function!r}; it has: {there or 'none'}")
    if not callable(handler):
        raise HandlerNotFound(f"{name} is a {type(handler).__name__}, not a function")
    found: Handler = handler
    return found


def threads() -> int:
    """How many invocations are handled at once, at most; 0: nobody said."""
    return int(os.environ.get("FESCUE_CONCURRENCY") or "0")


def _make(fd: int, handler: Handler, worker: Worker) -> Worker:
    """The worker that suits the handler and the concurrency asked for."""
    code = getattr(handler, "__code__", None)
    if code is not None and code.co_flags & 0x280:  # inspect.CO_COROUTINE, CO_ASYNC_GENERATOR
        from ._worker_async import AsyncWorker

        worker = AsyncWorker(fd)
    elif threads() > 1:
        from ._worker_threads import ThreadedWorker

        worker = ThreadedWorker(fd, threads())
    worker.handler = handler
    return worker


def main() -> None:
    """See the module's comment."""
    fd = int(os.environ.get("FESCUE_WORKER_FD") or "3")
    os.set_inheritable(fd, False)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    code = os.getcwd()
    if sys.path[0] != code:
        sys.path.insert(0, code)
    worker = Worker(fd)
    capabilities = _CAPABILITIES | wire.QUEUES if threads() == 1 else _CAPABILITIES
    worker.send(wire.hello("", os.environ.get("FESCUE_APPLICATION", ""), capabilities, wire.MAX_LENGTH))
    try:
        worker = _make(fd, load(os.environ.get("FESCUE_HANDLER", "")), worker)
    except BaseException as e:
        worker.send(wire.frame(wire.FAILURE, 0, describe(e)[1]))
        worker.read()  # WELCOME: a broker whose WELCOME finds the link closed may not read on
        leave(1)
    worker.send(wire.frame(wire.READY, 0))
    import json  # noqa: F401  # most events are JSON: load it while nobody waits

    try:
        worker.run()
    except Malformed as e:
        print(f"fescue: {e}", file=sys.stderr)
        leave(1)


if __name__ == "__main__":
    main()
