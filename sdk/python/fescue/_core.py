"""A session without input or output: what is registered, subscribed and awaited.

Both clients, the blocking one and the asyncio one, keep one :class:`Core`. It is given
the frames that arrive and gives the frames to send, and it outlives the link: after a
reconnection :meth:`Core.resume` says everything again. It does not lock; who shares
it between threads does.
"""

from __future__ import annotations

import sys
from collections import deque
from time import monotonic

from . import _wire as wire
from ._errors import (
    ConnectionLost,
    FescueError,
    LimitExceeded,
    Malformed,
    Overflow,
    RemoteError,
    TooLarge,
    from_code,
)
from ._message import Call, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Callable

    Key = tuple[int, int]  # a frame's type and id

DEFAULT_QUEUE = 1024
_BLOCK_QUEUE = 65536  # of policy block: its own thread may be waiting for an answer that is behind these


class Waiter:
    """Somebody waits for the answer to one frame. Subclassed by the asyncio client."""

    def __init__(self) -> None:
        self.done = False
        self.value = b""
        self.error: FescueError | None = None

    def resolve(self, value: bytes = b"", error: FescueError | None = None) -> None:
        """Sets the outcome; the first one counts."""
        if not self.done:
            self.value, self.error, self.done = value, error, True


class Inbox:
    """Messages in order of arrival, of one stream or of several together."""

    def __init__(self) -> None:
        self._order: deque[Stream] = deque()

    def push(self, stream: Stream, message: Message) -> bool:
        """Adds a message, or drops one by the stream's policy; tells whether none was dropped."""
        if len(stream.waiting) < stream.room:
            stream.waiting.append(message)
            self._order.append(stream)
            return True
        if stream.policy == "drop-oldest":
            stream.waiting.popleft()
            stream.waiting.append(message)  # its place in the order is now the dropped one's
        return False

    def pop(self) -> tuple[Stream, Message] | None:
        """The oldest message, or None."""
        while self._order:
            stream = self._order.popleft()
            if stream.waiting:
                return stream, stream.waiting.popleft()
        return None

    def wake(self) -> None:
        """Something changed for who waits; the asyncio client's inbox does something about it."""

    def __len__(self) -> int:
        return len(self._order)


class Stream:
    """One SUBSCRIBE and what came of it."""

    def __init__(self, topic_filter: str, policy: str, queue: int, flags: int, inbox: Inbox) -> None:
        if policy not in wire.POLICIES:
            raise ValueError(f"policy {policy!r}: it is one of {', '.join(wire.POLICIES)}")
        if not 0 <= queue <= 0xFFFF:
            raise ValueError(f"queue {queue}: it is 0 (the default) to 65535 messages")
        self.filter = topic_filter
        self.policy = policy
        self.queue = queue
        self.flags = flags
        self.inbox = inbox
        self.room = _BLOCK_QUEUE if policy == "block" else queue or DEFAULT_QUEUE
        self.waiting: deque[Message] = deque()
        self.ident = 0
        self.ended = False
        self.told = 0.0  # when dropping was last told
        self.error: FescueError | None = None
        self.handler: Callable[..., object] | None = None

    def end(self, error: FescueError | None = None) -> None:
        """No more messages will come."""
        self.ended, self.error = True, self.error or error
        self.inbox.wake()

    def frame(self) -> bytes:
        """The SUBSCRIBE."""
        return wire.subscribe(self.ident, self.filter, wire.POLICIES[self.policy], self.flags, self.queue)


class Core:
    """See the module's comment."""

    def __init__(self) -> None:
        self.application = ""
        self.device = ""
        self.max_body = 1 << 20
        self.capabilities = 0
        self.topics: dict[str, int] = {}  # registered, or about to be
        self.names: dict[int, str] = {}  # the inverse
        self.granted: dict[str, int] = {}  # those with the broker's OK
        self.streams: dict[int, Stream] = {}
        self.awaited: dict[Key, Waiter] = {}
        self.welcomed = False
        self.refusal: FescueError | None = None  # an error after which the broker closes
        self.outbox: list[bytes] = []
        self.late: list[FescueError] = []  # errors that nobody waits for
        self._withdrawn: dict[int, FescueError] = {}  # topics by id, until a message is known to have been dropped
        self._ids = 0  # the last of requests, receipts and pings
        self._last = 0  # the last of topics and subscriptions

    # What the application asks for; each gives the frame to send.

    def register(self, topic: str, waiter: Waiter) -> bytes:
        """REGISTER of a topic; joins one that is under way (then b"")."""
        ident = self.topics.get(topic)
        if topic in self.granted:
            waiter.resolve()
            return b""
        if ident is not None:
            running = self.awaited.get((wire.REGISTER, ident))
            self.awaited[wire.REGISTER, ident] = _Both(running, waiter) if running else waiter
            return b""
        frame = wire.frame(wire.REGISTER, self._number(self.names, "topics"), wire.topic_bytes(topic))
        self.topics[topic] = self._last
        self.names[self._last] = topic
        self.awaited[wire.REGISTER, self._last] = waiter
        return frame

    def subscribe(self, stream: Stream, waiter: Waiter) -> bytes:
        """SUBSCRIBE."""
        wire.topic_bytes(stream.filter)
        stream.ident = self._number(self.streams, "subscriptions")
        self.streams[stream.ident] = stream
        self.awaited[wire.SUBSCRIBE, stream.ident] = waiter
        return stream.frame()

    def unsubscribe(self, stream: Stream, waiter: Waiter) -> bytes:
        """UNSUBSCRIBE, or b"" if it has ended already."""
        if self.streams.get(stream.ident) is not stream:
            waiter.resolve()
            return b""
        self.awaited[wire.UNSUBSCRIBE, stream.ident] = waiter
        return wire.frame(wire.UNSUBSCRIBE, stream.ident)

    def request(self, topic: str, payload: bytes, timeout: float, waiter: Waiter) -> bytes:
        """REQUEST; timeout in seconds."""
        self.check_size(topic, 6 + len(wire.topic_bytes(topic)) + len(payload))
        ms = min(max(1, round(timeout * 1000)), 0xFFFFFFFF)
        return wire.request(self._await(wire.REQUEST, waiter), ms, topic, payload)

    def publish_to(self, topic: str, payload: bytes, waiter: Waiter) -> bytes:
        """PUBLISHTO with a receipt."""
        self.check_size(topic, 2 + len(wire.topic_bytes(topic)) + len(payload))
        return wire.publish_to(self._await(wire.PUBLISHTO, waiter), topic, payload)

    def ping(self, waiter: Waiter) -> bytes:
        """PING."""
        return wire.frame(wire.PING, self._await(wire.PING, waiter))

    def log(self, level: str, text: str) -> bytes:
        """LOG; for a broker that takes none the line goes to stderr, which is logged too, and b"" is returned."""
        frame = wire.log(level, text)
        if self.capabilities & wire.LOGS:
            return frame
        print(f"{level}: {text}", file=sys.stderr)
        return b""

    def check_size(self, topic: str, length: int) -> None:
        """Raises TooLarge for a body of so many bytes that the broker would not accept."""
        if length > self.max_body:
            raise TooLarge(f"{length:,} bytes on {topic}; the broker accepts {self.max_body:,}", topic=topic)

    def _await(self, kind: int, waiter: Waiter) -> int:
        self._ids = self._ids % 0xFFFFFFFF + 1
        self.awaited[kind, self._ids] = waiter
        return self._ids

    def _number(self, taken: Container[int], what: str) -> int:
        """A free topic or subscription id, kept in ``_last``."""
        for _ in range(wire.MAX_ID):
            self._last = self._last % wire.MAX_ID + 1
            if self._last not in taken:
                return self._last
        raise LimitExceeded(f"more than {wire.MAX_ID:,} {what}")

    def forget(self, waiter: Waiter) -> None:
        """Nobody waits any longer."""
        for key in [k for k, w in self.awaited.items() if w is waiter]:
            del self.awaited[key]

    # The link.

    def hello(self, token: str, name: str) -> bytes:
        """HELLO, the first frame on a link."""
        self.welcomed, self.refusal = False, None
        self.outbox.clear()
        return wire.hello(token, name, wire.REQUESTS | wire.LOGS, wire.MAX_LENGTH)

    def resume(self) -> bytes:
        """Everything that a new session must be told again."""
        frames = [wire.frame(wire.REGISTER, i, t.encode()) for t, i in self.topics.items()]
        frames += [s.frame() for s in self.streams.values()]
        return b"".join(frames)

    def lost(self) -> None:
        """The link is gone: what was asked on it is answered, what resume says again stays."""
        self._withdrawn.clear()
        for key, waiter in list(self.awaited.items()):
            if key[0] in (wire.REGISTER, wire.SUBSCRIBE):
                continue
            del self.awaited[key]
            if key[0] == wire.UNSUBSCRIBE:
                self._unsubscribed(key[1])
                waiter.resolve()
            else:
                waiter.resolve(error=ConnectionLost("the link was lost before the answer came"))

    def handle(self, kind: int, ident: int, body: memoryview) -> None:
        """Takes a frame that arrived. Raises Malformed."""
        try:
            _HANDLERS[kind](self, ident, body)
        except wire.UNREADABLE as e:
            raise Malformed(f"a frame of type 0x{kind:02x}: {e}") from e

    def _on_message(self, ident: int, body: memoryview) -> None:
        stream = self.streams.get(ident)
        if stream is not None:
            topic, payload = wire.read_message(body)
            self._push(stream, Message(topic or stream.filter, payload))

    def _on_call(self, ident: int, body: memoryview) -> None:
        subscription, timeout, topic, payload = wire.read_call(body)
        stream = self.streams.get(subscription)
        if stream is not None:
            self._push(stream, Call(topic or stream.filter, payload, ident, timeout / 1000))

    def _push(self, stream: Stream, message: Message) -> None:
        if not stream.inbox.push(stream, message) and monotonic() > stream.told + 1:
            stream.told = monotonic()
            text = f"messages on {stream.filter} come faster than they are taken; some were dropped"
            self.late.append(Overflow(text, topic=stream.filter))

    def _on_reply(self, ident: int, body: memoryview) -> None:
        self._resolve((wire.REQUEST, ident), bytes(body))

    def _on_ok(self, ident: int, body: memoryview) -> None:
        granted = wire.read_ok(body)
        if granted == wire.REGISTER and ident in self.names:
            self.granted[self.names[ident]] = ident
        elif granted == wire.UNSUBSCRIBE:
            self._unsubscribed(ident)
        self._resolve((granted, ident))

    def _resolve(self, key: Key, value: bytes = b"", error: FescueError | None = None) -> bool:
        waiter = self.awaited.pop(key, None)
        if waiter is not None:
            waiter.resolve(value, error)
        return waiter is not None

    def _on_error(self, ident: int, body: memoryview) -> None:
        code, refused, topic, text = wire.read_error(body)
        error = from_code(code, text, topic)
        if refused == wire.REQUEST and code == wire.CODE_INTERNAL:
            error = RemoteError(text, topic=topic, code=code)
        if refused == wire.REGISTER:
            self._unregistered(ident)
            if not self._resolve((refused, ident), error=error):
                # Taken away. The next publish on the topic registers again and meets the error
                # itself; what was sent before this was read is dropped, and told once.
                self._withdrawn[ident] = error
        elif refused == wire.PUBLISH and code == wire.CODE_UNKNOWN_ID:
            self._on_unknown_topic(ident, error)
        elif refused == wire.SUBSCRIBE:
            self._on_subscription_error(ident, error)
        elif not self._resolve((refused, ident), error=error):
            self._unasked(refused, ident, error)

    def _on_subscription_error(self, ident: int, error: FescueError) -> None:
        stream = self.streams.get(ident)
        if isinstance(error, (Overflow, TooLarge)) or stream is None:
            self.late.append(error)
            return
        del self.streams[ident]
        stream.end(error)
        if not self._resolve((wire.SUBSCRIBE, ident), error=error) and stream.handler is not None:
            self.late.append(error)

    def _on_unknown_topic(self, ident: int, error: FescueError) -> None:
        if ident in self.names:
            self._unregistered(ident)
            self.late.append(error)
        elif ident in self._withdrawn:
            self.late.append(self._withdrawn.pop(ident))

    def _unasked(self, refused: int, ident: int, error: FescueError) -> None:
        if refused in (wire.HELLO, 0) or error.code in (1, 2, 3, wire.CODE_GOING_AWAY, wire.CODE_INTERNAL):
            self.refusal = error
        elif refused not in (wire.UNREGISTER, wire.UNSUBSCRIBE, wire.CALL, wire.REQUEST):
            self.late.append(error)

    def _unregistered(self, ident: int) -> None:
        topic = self.names.pop(ident, None)
        if topic is not None:
            del self.topics[topic]
            self.granted.pop(topic, None)

    def _unsubscribed(self, ident: int) -> None:
        stream = self.streams.pop(ident, None)
        if stream is not None:
            stream.end()

    def _on_ping(self, ident: int, body: memoryview) -> None:
        self.outbox.append(wire.frame(wire.PONG, ident, bytes(body)))

    def _on_pong(self, ident: int, _body: memoryview) -> None:
        self._resolve((wire.PING, ident))

    def _on_goodbye(self, _ident: int, body: memoryview) -> None:
        code, text = wire.read_goodbye(body)
        self.refusal = ConnectionLost(text or "the broker said goodbye", code=code)

    def _on_welcome(self, _ident: int, body: memoryview) -> None:
        version, self.capabilities, self.max_body, self.application, self.device = wire.read_welcome(body)
        if version != wire.VERSION:
            raise Malformed(f"WELCOME with version {version}")
        self.welcomed = True

    def _on_other(self, _ident: int, _body: memoryview) -> None:
        raise Malformed("a frame for functions, on the link of a client")


_HANDLERS = {
    wire.MESSAGE: Core._on_message,
    wire.CALL: Core._on_call,
    wire.REPLY: Core._on_reply,
    wire.OK: Core._on_ok,
    wire.ERROR: Core._on_error,
    wire.PING: Core._on_ping,
    wire.PONG: Core._on_pong,
    wire.GOODBYE: Core._on_goodbye,
    wire.WELCOME: Core._on_welcome,
    wire.INVOKE: Core._on_other,
    wire.CANCEL: Core._on_other,
}


class _Both(Waiter):
    """Two who wait for the same answer."""

    def __init__(self, first: Waiter, second: Waiter) -> None:
        super().__init__()
        self._waiters = (first, second)

    def resolve(self, value: bytes = b"", error: FescueError | None = None) -> None:
        super().resolve(value, error)
        for w in self._waiters:
            w.resolve(value, error)
