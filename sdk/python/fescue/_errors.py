"""The errors an application can meet, each with a hint of what to do.

This module imports nothing: it is part of every worker's cold start.
"""

from __future__ import annotations


class FescueError(Exception):
    """Any error of this package.

    ``topic`` is the topic or filter it is about, or ``""``; ``hint`` is a whole
    sentence of what to do, or ``""``; ``code`` is the number in the protocol, 0
    if the error did not come from the broker.
    """

    hint = ""

    def __init__(self, text: str, *, topic: str = "", code: int = 0, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.topic = topic
        self.code = code
        if hint:
            self.hint = hint

    def __str__(self) -> str:
        return f"{self.text} ({self.hint})" if self.hint else self.text


class ConnectionLost(FescueError, ConnectionError):
    """There is no link to Data Xchange now."""

    hint = "Data Xchange is part of the agent: is `fescue up` or `fescue agent` running?"


class ClientClosed(FescueError):
    """The client was closed, by this program."""


class Malformed(FescueError):
    """Something arrived that is not of the protocol; the link is given up."""


class VersionMismatch(FescueError):
    """The broker speaks no protocol version that this package speaks."""

    hint = "update the fescue package, or the agent"


class Unauthenticated(FescueError):
    """The broker does not know the token, or it is another application's."""


class PermissionDenied(FescueError, PermissionError):
    """The application may not use this topic."""

    hint = "name the topic in fescue.yaml under resources.publish or resources.subscribe, and deploy"

    def __str__(self) -> str:  # not OSError's
        return FescueError.__str__(self)


class InvalidTopic(FescueError, ValueError):
    """The topic or filter breaks MQTT's rules."""

    hint = "levels are parted by '/'; '+' and '#' stand alone in a level, '#' last, and only in filters"


class TooLarge(FescueError, ValueError):
    """A message over the largest size that the broker accepts."""

    hint = "send large data in parts, or by a file in FESCUE_DATA"


class LimitExceeded(FescueError):
    """Too many topics, subscriptions, requests or sessions."""


class NoResponder(FescueError):
    """Nobody answers requests on the topic."""

    hint = "is the application that answers it running?"


class RequestTimeout(FescueError, TimeoutError):
    """No answer came in time."""


class Overflow(FescueError):
    """Messages for a subscription were dropped, because it did not keep up."""

    hint = "subscribe with a longer queue, or with policy 'block'"


class Unsupported(FescueError):
    """The broker does not have this feature."""

    hint = "update the agent"


class NotFound(FescueError, LookupError):
    """There is no such key."""


class Conflict(FescueError):
    """The key has another revision than was expected, or the place another filter."""

    hint = "read it again, and decide anew"


class QuotaExceeded(FescueError):
    """The state, or what is kept of a topic, is full."""

    hint = "raise limits.state, or resources.keep[].size, or make room"


class StorageFailed(FescueError):
    """The device's disk did not take it; nothing has changed."""

    hint = "is the disk full?"


class NotKept(FescueError):
    """The device keeps no messages of this topic."""

    hint = "name the topic in fescue.yaml under resources.keep, and deploy"


class RemoteError(FescueError):
    """The responder of a request failed."""


class BrokerError(FescueError):
    """Any other refusal by the broker."""


_BY_CODE: dict[int, type[FescueError]] = {
    1: Malformed,
    2: VersionMismatch,
    3: Unauthenticated,
    4: PermissionDenied,
    5: InvalidTopic,
    6: TooLarge,
    9: LimitExceeded,
    10: NoResponder,
    11: RequestTimeout,
    12: Overflow,
    13: Unsupported,
    16: NotFound,
    17: Conflict,
    18: QuotaExceeded,
    19: StorageFailed,
    20: NotKept,
    14: ConnectionLost,
}


def from_code(code: int, text: str, topic: str = "") -> FescueError:
    """The exception for an ERROR frame."""
    kind = _BY_CODE.get(code, BrokerError)
    return kind(text or f"error {code}", topic=topic, code=code)
