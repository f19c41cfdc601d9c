"""What a handler is given, and how events and results are decoded and encoded."""

from __future__ import annotations

import os
from time import monotonic

from . import _wire as wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    from ._context_kept import State
    from ._kept import Past
    from ._message import Message

    class Host(Protocol):
        """The worker, as a context uses it."""

        def publish(self, topic: str, payload: Any) -> None: ...
        def fitting(self, topic: str, payload: Any, fields: int) -> bytes: ...
        def ask(self, frame: Callable[[int], bytes]) -> Any: ...
        def log(self, level: str, text: str) -> None: ...


_NOT_JSON = object()


class Context:
    """Who called the handler, with what, and for how long; and what it can do besides returning.

    Attributes:
        invocation_id: number of this invocation, as the broker knows it.
        payload: the event's bytes, whatever ``event`` was made of them.
        cancelled: whether the caller gave up (seen by handlers that run beside others).
    """

    __slots__ = ("_attributes", "_deadline", "_host", "_packed", "cancelled", "invocation_id", "payload")

    def __init__(self, host: Host, invocation_id: int, timeout_ms: int, packed: bytes, payload: bytes) -> None:
        self._host = host
        self._packed = packed
        self._attributes: dict[str, str] | None = None
        self._deadline = monotonic() + timeout_ms / 1000 if timeout_ms else None
        self.invocation_id = invocation_id
        self.payload = payload
        self.cancelled = False

    @property
    def attributes(self) -> dict[str, str]:
        """The event's attributes by CloudEvents' names; see also the properties below."""
        if self._attributes is None:
            self._attributes = wire.read_attributes(self._packed)
        return self._attributes

    @property
    def id(self) -> str:
        """The event's id; unique together with ``source``."""
        return self.attributes.get("id", "")

    @property
    def source(self) -> str:
        """Where the event comes from."""
        return self.attributes.get("source", "")

    @property
    def type(self) -> str:
        """What kind of event it is."""
        return self.attributes.get("type", "")

    @property
    def time(self) -> str:
        """When it happened, RFC 3339."""
        return self.attributes.get("time", "")

    @property
    def subject(self) -> str:
        """What it is about: the topic, for a message."""
        return self.attributes.get("subject", "")

    @property
    def topic(self) -> str:
        """The topic the message came on, or "" if no message called the handler."""
        return self.subject

    @property
    def application(self) -> str:
        """The application's name."""
        return os.environ.get("FESCUE_APPLICATION", "")

    @property
    def version(self) -> str:
        """The application's version."""
        return os.environ.get("FESCUE_VERSION", "")

    @property
    def device(self) -> str:
        """The name of the device this runs on."""
        return os.environ.get("FESCUE_DEVICE", "")

    @property
    def deadline(self) -> float | None:
        """When the time is up, by ``time.monotonic()``; None without a limit."""
        return self._deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time is up, 0 if it is; without a limit 2,147,483,647."""
        if self._deadline is None:
            return 0x7FFFFFFF
        return max(0, int((self._deadline - monotonic()) * 1000))

    @property
    def aws_request_id(self) -> str:
        """As in AWS Lambda: the event's id, or the invocation's number if it has none."""
        return self.id or str(self.invocation_id)

    @property
    def function_name(self) -> str:
        """As in AWS Lambda: the application's name."""
        return self.application

    @property
    def function_version(self) -> str:
        """As in AWS Lambda: the application's version."""
        return self.version

    def publish(self, topic: str, payload: Any = b"") -> None:
        """Publishes a message; the payload as in :func:`fescue.encode`.

        The first time on a topic it waits for the broker's permission; raises PermissionDenied,
        InvalidTopic, TooLarge.
        """
        self._host.publish(topic, payload)

    def invoke(self, function: str, payload: Any = None, timeout: float = 30.0) -> Any:
        """Calls another function of this device, and gives what it returned (timeout in seconds).

        The configuration grants it: ``resources: {invoke: [function]}``. What the other returned comes as
        an event would: the value if all of it is JSON, bytes otherwise, None for nothing. Raises
        PermissionDenied, RemoteError (it failed, or there is none), RequestTimeout.
        """
        return returned(self._host.ask(self._request("$fescue/invoke/" + function, payload, timeout)))

    def request(self, topic: str, payload: Any = b"", timeout: float = 10.0) -> Message:
        """Sends a request to whoever answers on a topic, and waits for the answer (timeout in seconds).

        Raises NoResponder, RequestTimeout, RemoteError (the responder failed), PermissionDenied.
        """
        from ._message import Message

        return Message(topic, self._host.ask(self._request(topic, payload, timeout)))

    def store(self, topic: str, payload: Any = b"") -> None:
        """Publishes a message and returns when it is on the device's disk, wherever its topic is kept (``resources.keep``).

        Raises NotKept, QuotaExceeded, StorageFailed, PermissionDenied.
        """
        from ._context_kept import storing

        self._host.ask(storing(self._host, topic, payload))

    def history(
        self,
        topic_filter: str,
        *,
        since: float | None = None,
        until: float | None = None,
        limit: int = 0,
        newest: bool = False,
    ) -> list[Past]:
        """Kept messages of the past: since and until are seconds since 1970, limit 0 is 1,000.

        Where there are more than limit, the oldest, or with ``newest`` the newest. Raises NotKept, PermissionDenied.
        """
        from ._context_kept import looking_back

        return self._host.ask(looking_back(topic_filter, since, until, limit, newest)) or []

    @property
    def state(self) -> State:
        """What the application keeps on its device, over restarts and versions: keys and values."""
        from ._context_kept import State

        return State(self._host)

    def _request(self, topic: str, payload: Any, timeout: float) -> Callable[[int], bytes]:
        data = self._host.fitting(topic, payload, 6)
        return lambda receipt: wire.request(receipt, max(1, int(timeout * 1000)), topic, data)

    def log(self, level: str, text: str) -> None:
        """Writes a line to the application's log with a level: debug, info, warning or error."""
        self._host.log(level, text)

    def event(self) -> Any:
        """The payload as the handler's first argument: the one rule for it.

        With the attribute ``datacontenttype``: JSON if that says so (bytes if it is not JSON after all),
        ``str`` for ``text/…``, bytes for any other type. Without it: ``None`` for no bytes at all, the
        value if all of it is JSON, bytes otherwise. An HTTP request whose body is streamed (``body: stream``)
        is a binary file that is read while the rest is on its way; reading raises OSError if the sender
        does not send all of it.
        """
        if b"httpstream" in self._packed and "httpstream" in self.attributes:
            from ._upload import open_upload

            return open_upload(self.attributes["httpstream"])
        kind = ""
        if b"datacontenttype" in self._packed:
            kind = self.attributes.get("datacontenttype", "").partition(";")[0].strip().lower()
        if kind.startswith("text/"):
            return self.payload.decode("utf-8", "replace")
        if kind and not (kind == "application/json" or kind.endswith("+json")):
            return self.payload
        value = _from_json(self.payload)
        if value is _NOT_JSON:
            return self.payload if self.payload else None
        return value


def returned(data: bytes) -> Any:
    """What a function returned: the value if all of it is JSON, bytes otherwise, None for nothing."""
    value = _from_json(data)
    return (data or None) if value is _NOT_JSON else value


def _from_json(payload: bytes) -> Any:
    # Only these bytes begin JSON: most payloads that are not JSON never get to the parser.
    if payload[:1] not in _JSON_BEGINS:
        return _NOT_JSON
    import json

    try:
        return json.loads(payload.decode(), parse_constant=_refuse)
    except ValueError:
        return _NOT_JSON


_JSON_BEGINS = frozenset(bytes((b,)) for b in b'{["-0123456789tfn \t\r\n')


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
