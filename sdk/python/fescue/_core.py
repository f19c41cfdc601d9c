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

from . import _kept
from . import _wire as wire
from . import _wire_kept as kept
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
    from typing import Any, Callable

    Key = tuple[int, int]  # a frame's type and id

DEFAULT_QUEUE = 1024
CAPABILITIES = wire.REQUESTS | wire.LOGS | wire.STATE | wire.DURABLE | wire.HISTORIES | wire.CREDITS
_BLOCK_QUEUE = 65536  # of policy block: its own thread may be waiting for an answer that is behind these


class Waiter:
    """Somebody waits for the answer to one frame. Subclassed by the asyncio client."""

    def __init__(self) -> None:
        self.done = False
        self.value: Any = b""
        self.items: list[Any] = []  # what came before the answer
        self.error: FescueError | None = None

    def resolve(self, value: Any = b"", error: FescueError | None = None) -> None:
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

    kind = wire.SUBSCRIBE

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
        self.credit = 0  # given and not used up, of a subscription by credit

    def end(self, error: FescueError | None = None) -> None:
        """No more messages will come."""
        self.ended, self.error = True, self.error or error
        self.inbox.wake()

    def frame(self) -> bytes:
        """The SUBSCRIBE, and what credit there is."""
        subscribe = wire.subscribe(self.ident, self.filter, wire.POLICIES[self.policy], self.flags, self.queue)
        return subscribe + (kept.credit(self.ident, self.credit) if self.credit else b"")


class Consumer(Stream):
    """One CONSUME. What arrives is never dropped: the broker's window bounds it."""

    kind = wire.CONSUME

    def __init__(self, topic_filter: str, inbox: Inbox, **options: object) -> None:
        super().__init__(topic_filter, "block", 0, 0, inbox)
        self.options = options

    def frame(self) -> bytes:
        """The CONSUME."""
        return kept.consume(self.ident, topic_filter=self.filter, **self.options)  # type: ignore[arg-type]


class Watcher(Stream):
    """One WATCH. It remembers which keys are there: after a reconnection the broker tells those that are still."""

    kind = wire.WATCH

    def __init__(self, key_filter: str, flags: int, inbox: Inbox) -> None:
        super().__init__(key_filter, "block", 0, flags, inbox)
        self.known: set[str] = set()
        self.missing: set[str] = set()  # known keys that this link has not told yet

    def note(self, kind: str, key: str) -> list[str]:
        """Takes note of a change; returns the keys that went while there was no link, if it is the end of the present ones."""
        gone: list[str] = []
        if kind == "end":
            gone = sorted(self.missing)
            self.known -= self.missing
            self.missing = set()
        elif kind == "put":
            self.known.add(key)
        else:
            self.known.discard(key)
        self.missing.discard(key)
        return gone

    def frame(self) -> bytes:
        """The WATCH."""
        self.missing = set(self.known)
        return kept.watch(self.ident, self.filter, self.flags)


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
        self.watches: dict[int, Watcher] = {}
        self.send: Callable[[bytes], object] | None = None  # of a frame without an answer
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
        self.awaited[stream.kind, stream.ident] = waiter
        return stream.frame()

    def watch(self, watcher: Watcher, waiter: Waiter) -> bytes:
        """WATCH."""
        watcher.ident = self._number(self.watches, "watches")
        self.watches[watcher.ident] = watcher
        self.awaited[wire.WATCH, watcher.ident] = waiter
        return watcher.frame()

    def unwatch(self, watcher: Stream, waiter: Waiter) -> bytes:
        """UNWATCH, or b"" if it has ended already."""
        if self.watches.get(watcher.ident) is not watcher:
            waiter.resolve()
            return b""
        self.awaited[wire.UNWATCH, watcher.ident] = waiter
        return wire.frame(wire.UNWATCH, watcher.ident)

    def give_credit(self, stream: Stream, number: int) -> bytes:
        """CREDIT."""
        stream.credit += number
        return kept.credit(stream.ident, number)

    def store(self, topic: str, payload: bytes, message_id: str, waiter: Waiter) -> bytes:
        """STORE."""
        self.check_size(topic, 4 + len(message_id) + len(wire.topic_bytes(topic)) + len(payload))
        return kept.store(self._await(wire.STORE, waiter), message_id, topic, payload)

    def history(self, topic_filter: str, flags: int, limit: int, since: int, until: int, waiter: Waiter) -> bytes:
        """HISTORY."""
        wire.topic_bytes(topic_filter)
        return kept.history(self._await(wire.HISTORY, waiter), topic_filter, flags, limit, since, until)

    def forget_place(self, place: str, waiter: Waiter) -> bytes:
        """FORGET."""
        return wire.frame(wire.FORGET, self._await(wire.FORGET, waiter), place.encode())

    def get(self, key: str, waiter: Waiter) -> bytes:
        """GET."""
        return wire.frame(wire.GET, self._await(wire.GET, waiter), _kept.key_bytes(key))

    def put(self, key: str, value: bytes, revision: int | None, ttl: int, waiter: Waiter) -> bytes:
        """PUT; with a revision only if the key has that one."""
        self.check_size(key, 18 + len(_kept.key_bytes(key)) + len(value))
        ident = self._await(wire.PUT, waiter)
        return kept.put(ident, key, value, int(revision is not None), revision or 0, ttl)

    def delete(self, key: str, revision: int | None, waiter: Waiter) -> bytes:
        """DELETE."""
        _kept.key_bytes(key)
        return kept.delete(self._await(wire.DELETE, waiter), key, int(revision is not None), revision or 0)

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
        return wire.hello(token, name, CAPABILITIES, wire.MAX_LENGTH)

    def resume(self) -> bytes:
        """Everything that a new session must be told again."""
        frames = [wire.frame(wire.REGISTER, i, t.encode()) for t, i in self.topics.items()]
        frames += [s.frame() for s in (*self.streams.values(), *self.watches.values())]
        return b"".join(frames)

    def lost(self) -> None:
        """The link is gone: what was asked on it is answered, what resume says again stays."""
        self._withdrawn.clear()
        for key, waiter in list(self.awaited.items()):
            if key[0] in (wire.REGISTER, wire.SUBSCRIBE, wire.CONSUME, wire.WATCH):
                continue
            del self.awaited[key]
            if key[0] in (wire.UNSUBSCRIBE, wire.UNWATCH):
                self._unsubscribed(self.watches if key[0] == wire.UNWATCH else self.streams, key[1])
                waiter.resolve()
            else:
                waiter.resolve(error=ConnectionLost("the link was lost before the answer came"))

    def give_up(self, error: FescueError) -> None:
        """There will be no link any more: who waits is told."""
        for waiter in self.awaited.values():
            waiter.resolve(error=error)
        self.awaited.clear()

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
            if stream.credit:
                stream.credit -= 1
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
        elif granted in (wire.UNSUBSCRIBE, wire.UNWATCH):
            self._unsubscribed(self.watches if granted == wire.UNWATCH else self.streams, ident)
        self._resolve((granted, ident))

    def answered(self, key: Key, value: object) -> bool:
        """An answer that is a frame of its own has come; tells whether somebody waits."""
        return self._resolve(key, value)

    def _resolve(self, key: Key, value: Any = b"", error: FescueError | None = None) -> bool:
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
        elif refused in (wire.SUBSCRIBE, wire.CONSUME):
            self._on_subscription_error(self.streams, refused, ident, error)
        elif refused == wire.WATCH:
            self._on_subscription_error(self.watches, refused, ident, error)
        elif not self._resolve((refused, ident), error=error):
            self._unasked(refused, ident, error)

    def _on_subscription_error(
        self, streams: dict[int, Stream], refused: int, ident: int, error: FescueError
    ) -> None:
        stream = streams.get(ident)
        if isinstance(error, (Overflow, TooLarge)) or stream is None:
            self.late.append(error)
            return
        del streams[ident]
        stream.end(error)
        if not self._resolve((refused, ident), error=error) and stream.handler is not None:
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
        elif refused not in (wire.UNREGISTER, wire.UNSUBSCRIBE, wire.UNWATCH, wire.CALL, wire.REQUEST):
            self.late.append(error)

    def _unregistered(self, ident: int) -> None:
        topic = self.names.pop(ident, None)
        if topic is not None:
            del self.topics[topic]
            self.granted.pop(topic, None)

    def _unsubscribed(self, streams: dict[int, Stream], ident: int) -> None:
        stream = streams.pop(ident, None)
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
    **_kept.HANDLERS,
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
    wire.MORE: Core._on_other,
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
