"""Publish, subscribe, request and handle events on a Fescue device.

    import fescue

    with fescue.connect() as client:
        for message in client.subscribe("poly/request"):
            client.publish("poly/roots", {"roots": solve(message.json())})

Names are loaded when they are first used: a function's worker needs few of them, and its
start is waited for.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._client import Client, Subscription, connect
    from ._context import Context
    from ._errors import (
        BrokerError,
        ClientClosed,
        Conflict,
        ConnectionLost,
        FescueError,
        InvalidTopic,
        LimitExceeded,
        Malformed,
        NoResponder,
        NotFound,
        NotKept,
        Overflow,
        PermissionDenied,
        QuotaExceeded,
        RemoteError,
        RequestTimeout,
        StorageFailed,
        TooLarge,
        Unauthenticated,
        Unsupported,
        VersionMismatch,
    )
    from ._kept import Change, Delivery, Entry, Past
    from ._message import Message, encode
    from ._shared import client, close, log, publish, request, responder, run, subscribe

_ERRORS = (
    "BrokerError ClientClosed Conflict ConnectionLost FescueError InvalidTopic LimitExceeded Malformed NoResponder "
    "NotFound NotKept Overflow PermissionDenied QuotaExceeded RemoteError RequestTimeout StorageFailed TooLarge "
    "Unauthenticated Unsupported VersionMismatch"
)
_HOME = {
    "_client": "Client Subscription connect",
    "_context": "Context",
    "_errors": _ERRORS,
    "_kept": "Change Delivery Entry Past",
    "_message": "Message encode",
    "_shared": "client close log publish request responder run subscribe",
}

__all__ = [
    "BrokerError",
    "Change",
    "Client",
    "ClientClosed",
    "Conflict",
    "ConnectionLost",
    "Context",
    "Delivery",
    "Entry",
    "FescueError",
    "InvalidTopic",
    "LimitExceeded",
    "Malformed",
    "Message",
    "NoResponder",
    "NotFound",
    "NotKept",
    "Overflow",
    "Past",
    "PermissionDenied",
    "QuotaExceeded",
    "RemoteError",
    "RequestTimeout",
    "StorageFailed",
    "Subscription",
    "TooLarge",
    "Unauthenticated",
    "Unsupported",
    "VersionMismatch",
    "client",
    "close",
    "connect",
    "encode",
    "log",
    "publish",
    "request",
    "responder",
    "run",
    "subscribe",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names.split():
            value: object = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
