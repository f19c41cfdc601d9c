"""Results in parts: what a handler makes piece by piece, as a generator, is sent while it does."""

from __future__ import annotations

from . import _wire as wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AsyncIterator, Iterator

    from ._context import Context
    from ._context_async import AsyncContext
    from ._worker import Worker
    from ._worker_async import AsyncWorker

_CANCELLED = wire.FAILURE, wire.failure_body("Cancelled", "it was cancelled", "")


def send(worker: Worker, context: Context, result: Any) -> tuple[int, bytes]:
    """Sends the parts; the type and body of the answer. Raises what their generator raises."""
    ident = context.invocation_id
    head, parts = _split(ident, result)
    if hasattr(parts, "__aiter__"):
        parts = _stepped(parts)
    if not worker.in_parts:
        return worker.result(b"".join(data for item in parts for data in _pieces(item)))
    worker.begin_parts(ident)
    try:
        for item in parts:
            for data in _pieces(item):
                if not worker.may_send(context, len(data)):
                    return _CANCELLED
                worker.send(head + wire.part(ident, data))
                head = b""
    finally:
        worker.end_parts(ident)
        _close(parts)
    worker.send(head)
    return wire.RESULT, b""


async def send_async(worker: AsyncWorker, context: AsyncContext, result: Any) -> tuple[int, bytes]:
    """:func:`send` beside other invocations; who cancels ends it by the task's cancellation."""
    ident = context.invocation_id
    head, parts = _split(ident, result)
    if not hasattr(parts, "__aiter__"):
        parts = _awaitable(parts)
    if not worker.in_parts:
        return worker.result(b"".join([data async for item in parts for data in _pieces(item)]))
    worker.begin_parts(ident)
    try:
        async for item in parts:
            for data in _pieces(item):
                await worker.may_send_soon(context, len(data))
                worker.send(head + wire.part(ident, data))
                head = b""
    finally:
        worker.end_parts(ident)
        if hasattr(parts, "aclose"):
            await parts.aclose()
    worker.send(head)
    return wire.RESULT, b""


def _split(ident: int, result: Any) -> tuple[bytes, Any]:
    """The frame of the head, or nothing; the parts."""
    if type(result) is not dict:
        return b"", result
    import json

    parts = result.pop("body")
    return wire.part(ident, json.dumps(result).encode(), head=True), parts


def _pieces(item: Any) -> Iterator[bytes]:
    """What a generator gave, as data of PARTs."""
    if isinstance(item, str):
        item = item.encode()
    elif not isinstance(item, (bytes, bytearray, memoryview)):
        raise TypeError(f"a part of the result is a {type(item).__name__}; yield bytes or str")
    for at in range(0, len(item), wire.MAX_PART):
        yield bytes(item[at : at + wire.MAX_PART])


def _close(parts: Any) -> None:
    """Has a generator that was left early run what it has to do at its end."""
    if hasattr(parts, "close"):
        parts.close()


def _stepped(parts: AsyncIterator[Any]) -> Iterator[Any]:
    """What an asynchronous generator gives, for a handler that is none itself."""
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(parts.__anext__())  # type: ignore[arg-type]
            except StopAsyncIteration:
                return
    finally:
        if hasattr(parts, "aclose"):
            loop.run_until_complete(parts.aclose())
        loop.close()


async def _awaitable(parts: Iterator[Any]) -> AsyncIterator[Any]:
    try:
        for item in parts:
            yield item
    finally:
        _close(parts)
