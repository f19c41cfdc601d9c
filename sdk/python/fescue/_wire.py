"""Frames of the wire protocol (sdk/protocol.md): made, read, and taken out of a stream.

A frame is a header of 8 bytes and a body. The header's 24-bit length and 8-bit
type are read and written as one 32-bit number, ``length | type << 24``.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError

from ._errors import InvalidTopic, Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
MAX_LENGTH = 0xFFFFFF
MAX_ID = 0xFFFF

# Frame types.
HELLO, WELCOME, ERROR, PING, PONG, GOODBYE, OK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07
REGISTER, UNREGISTER, SUBSCRIBE, UNSUBSCRIBE, CONSUME, FORGET = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
PUBLISH, PUBLISHTO, MESSAGE, REQUEST, CALL, REPLY = 0x20, 0x21, 0x22, 0x23, 0x24, 0x25
STORE, DELIVERY, ACK, HISTORY, PAST = 0x26, 0x27, 0x28, 0x29, 0x2A
READY, INVOKE, RESULT, FAILURE, CANCEL, PART, MORE, LOG = 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x40
GET, PUT, DELETE, WATCH, UNWATCH, VALUE, STORED, CHANGE = 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F
CREDIT = 0x60

# What a broker may send, and the shortest body of each.
_FROM_BROKER = {
    WELCOME: 12, ERROR: 8, PING: 0, PONG: 0, GOODBYE: 4, OK: 1, MESSAGE: 2, CALL: 10, REPLY: 0, INVOKE: 5, CANCEL: 0, MORE: 4,
    DELIVERY: 22, PAST: 18, VALUE: 16, STORED: 8, CHANGE: 22, CREDIT: 4,
}  # fmt: skip
_EXTENSION = 0x80

# Capabilities.
REQUESTS, FUNCTIONS, LOGS, STATE, DURABLE, HISTORIES, CREDITS, QUEUES, PARTS = 1, 2, 4, 8, 16, 32, 64, 256, 512

# Of results in parts: most data of a PART, and how much may be sent before MORE.
MAX_PART, WINDOW = 1 << 16, 1 << 18

# Error codes that this side sends or tells apart.
CODE_UNKNOWN_ID, CODE_GOING_AWAY, CODE_INTERNAL = 7, 14, 15

POLICIES = {"drop-oldest": 0, "drop-newest": 1, "block": 2}
FLAG_ANSWERS, FLAG_NOT_OWN, FLAG_BY_CREDIT = 1, 2, 4

LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}

# What the read functions raise, besides Malformed, for a body that is cut off or not UTF-8.
UNREADABLE = (StructError, IndexError, UnicodeDecodeError)

_header = Struct("<II")
_u16 = Struct("<H")
_hello = Struct("<BBHI")
_welcome = Struct("<BxHI")
_error = Struct("<HBx")
_subscribe = Struct("<BBH")
_u32 = Struct("<I")
_call = Struct("<II")


def frame(kind: int, ident: int, body: bytes = b"") -> bytes:
    """A whole frame."""
    return _header.pack(len(body) | kind << 24, ident) + body


def _str16(text: bytes) -> bytes:
    text = text[:0xFFFF]
    return _u16.pack(len(text)) + text


def hello(
    token: str, name: str, capabilities: int, max_body: int, lowest: int = VERSION, highest: int = VERSION
) -> bytes:
    """HELLO; ``max_body`` is the largest body that this side accepts, in bytes."""
    fields = _hello.pack(lowest, highest, capabilities, max_body)
    return frame(HELLO, 0, fields + _str16(token.encode()) + _str16(name.encode()))


def error(ident: int, code: int, refused: int, topic: str, text: str) -> bytes:
    """ERROR about the frame of type ``refused``."""
    return frame(ERROR, ident, _error.pack(code, refused) + _str16(topic.encode()) + _str16(text.encode()))


def goodbye(code: int = 0, text: str = "") -> bytes:
    """GOODBYE."""
    return frame(GOODBYE, 0, _u16.pack(code) + _str16(text.encode()))


def subscribe(ident: int, topic_filter: str, policy: int, flags: int, queue: int) -> bytes:
    """SUBSCRIBE; ``queue`` is in messages, 0 for the broker's default."""
    return frame(SUBSCRIBE, ident, _subscribe.pack(policy, flags, queue) + topic_filter.encode())


def publish_to(receipt: int, topic: str, payload: bytes) -> bytes:
    """PUBLISHTO; with a receipt other than 0 it is answered."""
    return frame(PUBLISHTO, receipt, _str16(topic.encode()) + payload)


def request(ident: int, timeout_ms: int, topic: str, payload: bytes) -> bytes:
    """REQUEST."""
    return frame(REQUEST, ident, _u32.pack(timeout_ms) + _str16(topic.encode()) + payload)


def failure_body(kind: str, message: str, stack: str) -> bytes:
    """The body of FAILURE; each text is cut to what its field holds, the stack trace at its beginning."""
    return _text16(kind, 256) + _text16(message, 0x4000) + _cut(stack.encode("utf-8", "backslashreplace"), -0x8000)


def _text16(text: str, most: int) -> bytes:
    return _str16(_cut(text.encode("utf-8", "backslashreplace"), most))


def _cut(text: bytes, most: int) -> bytes:
    """The first bytes of a text, or the last if most is negative, that are whole characters."""
    if len(text) <= abs(most):
        return text
    part = text[:most] if most > 0 else text[most:]
    return part.decode("utf-8", "ignore").encode()


def topic_bytes(topic: str) -> bytes:
    """A topic's or filter's bytes, if their number is allowed; the rest the broker checks."""
    data = topic.encode()
    if not 1 <= len(data) <= 1024:
        raise InvalidTopic(f"a topic of {len(data):,} bytes; it has 1 to 1,024", topic=topic[:80])
    return data


def log(level: str, text: str) -> bytes:
    """LOG; ValueError for a level that does not exist."""
    if level not in LEVELS:
        raise ValueError(f"level {level!r}: it is one of {', '.join(LEVELS)}")
    return frame(LOG, LEVELS[level], _cut(text.encode("utf-8", "backslashreplace"), 0x8000))


def read_str16(body: memoryview, at: int) -> tuple[str, int]:
    """The text at an offset of a body, and the offset behind it."""
    end = at + 2 + _u16.unpack_from(body, at)[0]
    if end > len(body):
        raise Malformed("a text is cut off")
    return str(body[at + 2 : end], "utf-8"), end


def read_welcome(body: memoryview) -> tuple[int, int, int, str, str]:
    """Version, capabilities, largest body, application, device."""
    version, capabilities, max_body = _welcome.unpack_from(body)
    application, at = read_str16(body, 8)
    device, at = read_str16(body, at)
    _nothing_after(body, at)
    return version, capabilities, max_body, application, device


def read_error(body: memoryview) -> tuple[int, int, str, str]:
    """Code, refused type, topic, text."""
    code, refused = _error.unpack_from(body)
    topic, at = read_str16(body, 4)
    text, at = read_str16(body, at)
    _nothing_after(body, at)
    return code, refused, topic, text


def read_goodbye(body: memoryview) -> tuple[int, str]:
    """Code, text."""
    text, at = read_str16(body, 2)
    _nothing_after(body, at)
    return _u16.unpack_from(body)[0], text


def read_ok(body: memoryview) -> int:
    """The type of the frame that was granted."""
    _nothing_after(body, 1)
    return body[0]


def read_message(body: memoryview) -> tuple[str, bytes]:
    """Topic ("" stands for the filter) and payload."""
    if body[0] == 0 and body[1] == 0:
        return "", bytes(body[2:])
    topic, at = read_str16(body, 0)
    return topic, bytes(body[at:])


def read_call(body: memoryview) -> tuple[int, int, str, bytes]:
    """Subscription id, time-out in ms, topic, payload."""
    subscription, timeout = _call.unpack_from(body)
    topic, at = read_str16(body, 8)
    return subscription, timeout, topic, bytes(body[at:])


def read_invoke(body: memoryview) -> tuple[int, bytes, bytes]:
    """Time-out in ms, the attributes still packed (see :func:`read_attributes`), payload."""
    at = 5
    for _ in range(2 * body[4]):
        at += 2 + body[at] + (body[at + 1] << 8)
    if at > len(body):
        raise Malformed("attributes are cut off")
    return _u32.unpack_from(body)[0], bytes(body[5:at]), bytes(body[at:])


def part(ident: int, data: bytes, head: bool = False) -> bytes:
    """A PART: a piece of a result."""
    return frame(PART, ident, (b"\1" if head else b"\0") + data)


def read_more(body: memoryview) -> int:
    """The bytes of MORE."""
    _nothing_after(body, 4)
    return _u32.unpack_from(body)[0]


def read_attributes(packed: bytes) -> dict[str, str]:
    """The attributes of an INVOKE."""
    view, at, attributes = memoryview(packed), 0, {}
    while at < len(view):
        name, at = read_str16(view, at)
        attributes[name], at = read_str16(view, at)
    return attributes


def _nothing_after(body: memoryview, at: int) -> None:
    if at != len(body):
        raise Malformed("a frame has bytes that its type does not define")


class Reader:
    """Takes frames out of a stream, over one buffer that is read into again and again.

    A link reads into ``buffer`` from ``end`` on and adds what it read to ``end``;
    :meth:`frames` then gives the whole frames. A body is a view of the buffer and
    is only good until the next frame is asked for.
    """

    SIZE = 65536

    def __init__(self) -> None:
        self._adopt(bytearray(self.SIZE))
        self.start = 0
        self.end = 0

    def _adopt(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.view = memoryview(buffer)

    def room(self, least: int = 1) -> memoryview:
        """Where to read into: at least so many bytes, all of the buffer if it is empty."""
        if self.start == self.end:
            self.start = self.end = 0
            size = self.SIZE if least <= self.SIZE else least
            if len(self.buffer) != size:
                self._adopt(bytearray(size))  # a large frame has passed
            return self.view
        wanted = max(least, self._missing())
        if self.end + wanted > len(self.buffer):
            self._make_room(wanted)
        return self.view[self.end :]

    def _missing(self) -> int:
        have = self.end - self.start
        if have < 8:
            return 8 - have
        return 8 + int.from_bytes(self.view[self.start : self.start + 3], "little") - have

    def _make_room(self, wanted: int) -> None:
        have = self.end - self.start
        kept = bytes(self.view[self.start : self.end])
        if have + wanted > len(self.buffer):
            self._adopt(bytearray(max(have + wanted, self.SIZE)))
        self.view[:have] = kept
        self.start, self.end = 0, have

    def frames(self) -> Iterator[tuple[int, int, memoryview]]:
        """Type, id and body of each whole frame; extensions are passed over.

        Raises :class:`Malformed` for what a broker may not send.
        """
        unpack = _header.unpack_from
        while self.end - self.start >= 8:
            word, ident = unpack(self.buffer, self.start)
            kind, body_at = word >> 24, self.start + 8
            body_end = body_at + (word & 0xFFFFFF)
            if body_end > self.end:
                return
            self.start = body_end
            least = _FROM_BROKER.get(kind)
            if least is None:
                if kind >= _EXTENSION:
                    continue
                raise Malformed(f"a frame of type 0x{kind:02x}")
            if body_end - body_at < least:
                raise Malformed(f"a frame of type 0x{kind:02x} is too short")
            yield kind, ident, self.view[body_at:body_end]
