"""Messages, and the one rule by which values become payloads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def encode(payload: Any) -> bytes:
    """The bytes of a payload.

    Bytes go as they are, a ``str`` as UTF-8, ``None`` as nothing, everything
    else as compact JSON in UTF-8. What JSON cannot hold is a ``TypeError``; NaN and
    infinities, which are not JSON, a ``ValueError``.
    """
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        return payload.encode()
    if payload is None:
        return b""
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    import json

    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Message:
    """A message on a topic.

    ``topic`` is the name it was published on, ``payload`` its bytes; :meth:`json`
    and :meth:`text` decode them.
    """

    __slots__ = ("payload", "topic")

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic = topic
        self.payload = payload

    def json(self) -> Any:
        """The payload as JSON; ``ValueError`` if it is not."""
        import json

        return json.loads(self.payload)

    def text(self) -> str:
        """The payload as UTF-8; ``ValueError`` if it is not."""
        return self.payload.decode()

    def __repr__(self) -> str:
        return f"Message({self.topic!r}, {self.payload!r})"


class Call(Message):
    """A request on its way to this client, which answers it by ``id``."""

    __slots__ = ("id", "timeout")

    def __init__(self, topic: str, payload: bytes, ident: int, timeout: float) -> None:
        super().__init__(topic, payload)
        self.id = ident
        self.timeout = timeout  # seconds; 0 is the broker's default
