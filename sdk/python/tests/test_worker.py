"""Workers of functions: called by the real broker, and by a test that holds the other end."""

import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from harness import PACKAGE, TOKEN
from peer import Talk, invocation, welcome

from fescue import _wire as wire
from fescue._context import Context

HANDLERS = """
import asyncio, sys, threading, time
import fescue
print("loading", __name__)

def echo(event, context):
    return event

def kind(event, context):
    return [type(event).__name__, event if not isinstance(event, bytes) else event.decode("latin1")]

def raw(event, context):
    return context.payload

def nothing(event, context):
    pass

def fail(event, context):
    print("before the failure")
    raise ValueError(f"bad {event}")

def caused(event, context):
    try:
        {}["x"]
    except KeyError as e:
        raise RuntimeError("outer") from e

def unsendable(event, context):
    return {1, 2}

def huge(event, context):
    return b"x" * event

def leave(event, context):
    sys.exit(7)

def about(event, context):
    return {
        "attributes": context.attributes, "topic": context.topic, "id": context.id, "source": context.source,
        "type": context.type, "time": context.time, "aws": context.aws_request_id, "name": context.function_name,
        "version": context.function_version, "device": context.device,
        "left": context.get_remaining_time_in_millis(), "limited": context.deadline is not None,
    }

def publish(event, context):
    for n in range(3):
        context.publish(event, {"n": n})
    context.log("warning", "three published")

def sleep(event, context):
    time.sleep(event)
    return threading.current_thread() is threading.main_thread()

async def co(event, context):
    await asyncio.sleep(event)
    return event

async def cofail(event, context):
    await asyncio.sleep(0)
    raise ValueError("async")

async def copublish(event, context):
    context.publish(event, "from a coroutine")
    return "published"

def wrapped(event, context):
    return co(event, context)

not_callable = 3
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "handlers.py").write_text(HANDLERS)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "inner.py").write_text("def handle(event, context):\n    return __name__\n")
    (tmp_path / "broken.py").write_text("def handle(event, context):\n    return 1\n\nimport no_such_module\n")
    (tmp_path / "syntax.py").write_text("def handle(:\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    return tmp_path


@pytest.fixture
def function(broker, code):
    """Starts a worker on the real broker; calling what it gives invokes it."""
    broker.grant("fn", "", publish=["out/#"])

    def start(handler, **env):
        answer = start_worker(broker, code, handler, **env)
        assert answer == {}, answer

        def call(event=b"", **options):
            payload = event if isinstance(event, bytes) else json.dumps(event).encode()
            answer = broker.invoke("fn", payload, **options)
            return json.loads(answer) if isinstance(answer, bytes) and answer else answer

        return call

    return start


def start_worker(broker, code, handler, **env):
    env = {"FESCUE_HANDLER": handler, "FESCUE_VERSION": "1.2.3", "PYTHONPATH": str(PACKAGE), **env}
    argv = [sys.executable, "-m", "fescue.worker"]
    worker = {"name": "fn", "argv": argv, "dir": str(code), "env": [f"{k}={v}" for k, v in env.items()]}
    return broker.do(worker=worker)


def test_calls(function):
    call = function("handlers.echo")
    assert call({"x": [1, 2.5, None, "ü"]}) == {"x": [1, 2.5, None, "ü"]}
    for n in range(200):
        assert call(n) == n
    assert call(["x" * 900_000]) == ["x" * 900_000]


def test_events(function):
    call = function("handlers.kind")
    for payload, kind, value in [
        (b'{"a": 1}', "dict", {"a": 1}),
        (b" [1]\n", "list", [1]),
        (b"21.5", "float", 21.5),
        (b"true", "bool", True),
        (b"null", "NoneType", None),
        (b"", "NoneType", None),
        (b"NaN", "bytes", "NaN"),
        (b"hello", "bytes", "hello"),
        (b"{broken", "bytes", "{broken"),
        (b'"\xff"', "bytes", '"\xff"'),
        (b"\x00\x01", "bytes", "\x00\x01"),
    ]:
        assert call(payload) == [kind, value], payload
    assert call(b"21.5", datacontenttype="text/plain; charset=utf-8") == ["str", "21.5"]
    assert call(b"21.5", datacontenttype="application/octet-stream") == ["bytes", "21.5"]
    assert call(b"21.5", datacontenttype="application/senml+json") == ["float", 21.5]
    assert call(b"oops", datacontenttype="application/json") == ["bytes", "oops"]


def test_results(function, broker):
    call = function("handlers.nothing")
    assert call({}) == b""
    broker.do(stop="fn")
    function("handlers.raw")
    assert broker.invoke("fn", b"\x00\xff") == b"\x00\xff"


def test_context(function):
    attributes = {"id": "17", "source": "fescue://kitchen-pi", "type": "fescue.message", "subject": "poly/request"}
    about = function("handlers.about", FESCUE_DEVICE="kitchen-pi")(
        {}, timeout=5000, time="2026-01-02T03:04:05Z", **attributes
    )
    assert 0 < about.pop("left") <= 5000
    assert about == {
        "attributes": {**attributes, "time": "2026-01-02T03:04:05Z"},
        "topic": "poly/request",
        "id": "17",
        "source": "fescue://kitchen-pi",
        "type": "fescue.message",
        "time": "2026-01-02T03:04:05Z",
        "aws": "17",
        "name": "fn",
        "version": "1.2.3",
        "device": "kitchen-pi",
        "limited": True,
    }


@pytest.mark.parametrize("handler", ["handlers.fail", "handlers.cofail"])
def test_exceptions_are_failures_without_frames_of_the_sdk(function, handler):
    call = function(handler)
    for _ in range(2):  # the worker goes on
        failure = call(3)
        assert (failure["type"], failure["error"]) == ("ValueError", "bad 3" if handler == "handlers.fail" else "async")
        lines = failure["stack"].splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert "handlers.py" in lines[1]
        assert "fescue" not in failure["stack"].replace(os.path.dirname(lines[1]), "")


def test_chained_exceptions(function):
    failure = function("handlers.caused")()
    assert failure["type"] == "RuntimeError"
    assert "KeyError: 'x'" in failure["stack"]


def test_results_that_cannot_be_sent(function, broker):
    failure = function("handlers.unsendable")()
    assert failure["type"] == "TypeError"
    assert "set is not JSON serializable" in failure["error"]
    broker.do(stop="fn")
    call = function("handlers.huge")
    assert call(2_000_000)["type"] == "TooLarge"
    assert len(broker.invoke("fn", b"1000000")) == 1_000_000


def test_publishing(function, broker):
    import fescue

    call = function("handlers.publish")
    broker.grant("app", TOKEN, subscribe=["out/#"])
    with fescue.connect(broker.addresses["unix"], TOKEN) as a:
        messages = a.subscribe("out/#")
        assert call("out/x") == b""
        assert [messages.get(5).json() for _ in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert ["fn", 2, "three published"] in broker.do(logs={})["logs"]
        failure = call("secret/x")
        assert failure["type"] == "PermissionDenied"
        assert "secret/x" in failure["error"]
        assert call("a/#/b")["type"] == "InvalidTopic"
        assert call("out/y") == b""


@pytest.mark.parametrize("concurrency", ["1", "4"])
def test_publishing_from_coroutines_and_threads(function, broker, concurrency):
    call = function("handlers.copublish", FESCUE_CONCURRENCY=concurrency)
    assert broker.invoke("fn", b'"out/x"') == b"published"
    assert call("secret")["type"] == "PermissionDenied"
    broker.do(stop="fn")
    call = function("handlers.publish", FESCUE_CONCURRENCY=concurrency)
    assert call("out/x") == b""
    assert call("secret")["type"] == "PermissionDenied"


def test_dotted_modules(function, broker):
    function("package.inner.handle")
    assert broker.invoke("fn") == b"package.inner"


def test_a_plain_function_that_gives_a_coroutine(function):
    assert function("handlers.wrapped")(0) == 0


@pytest.mark.parametrize(("handler", "env"), [("handlers.co", {}), ("handlers.sleep", {"FESCUE_CONCURRENCY": "2"})])
def test_goodbye_lets_it_finish(function, broker, handler, env):
    function(handler, **env)
    assert broker.do(stop="fn") == {"status": 0}


class Held:
    """A worker whose link this test holds."""

    def __init__(self, code, handler, **env):
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "FESCUE_HANDLER": handler}
        environment["FESCUE_WORKER_FD"] = str(theirs.fileno())
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fescue.worker"],
            cwd=code,
            env={**environment, **env},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        self.concurrency = env.get("FESCUE_CONCURRENCY")
        self.talk = Talk(ours)

    def ready(self):
        _, hello = self.talk.expect(wire.HELLO)
        one = wire.QUEUES if self.concurrency == "1" else 0
        assert struct.unpack_from("<BBH", hello) == (1, 1, 575 | one)  # all capabilities but credit and modules
        self.talk.expect(wire.READY)
        self.talk.send(welcome())
        return self

    def end(self):
        self.talk.close()
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def hold(code):
    held = []

    def make(handler, **env):
        held.append(Held(code, handler, **env))
        return held[-1]

    yield make
    for h in held:
        h.talk.close()
        h.process.kill()
        h.process.communicate()


@pytest.mark.parametrize(
    ("handler", "kind", "part"),
    [
        ("handlers.no_such", "HandlerNotFound", "has no function 'no_such'; it has: "),
        ("handlers.not_callable", "HandlerNotFound", "is a int"),
        ("handlers", "HandlerNotFound", "module.function"),
        ("", "HandlerNotFound", "module.function"),
        ("no_such.handle", "ModuleNotFoundError", "no_such"),
        ("broken.handle", "ModuleNotFoundError", "no_such_module"),
        ("syntax.handle", "SyntaxError", "invalid syntax"),
        ("leaves.handle", "SystemExit", "3"),
    ],
)
def test_a_handler_that_cannot_be_loaded(hold, handler, kind, part):
    held = hold(handler)
    held.talk.expect(wire.HELLO)
    held.talk.send(welcome())  # the worker waits for it, so that the broker does not find the link closed
    ident, body = held.talk.expect(wire.FAILURE)
    assert ident == 0
    view = memoryview(body)
    got, at = wire.read_str16(view, 0)
    message, at = wire.read_str16(view, at)
    assert (got, part in message) == (kind, True), message
    if handler == "broken.handle":
        assert "broken.py" in str(view[at:], "utf-8")
    assert "_worker.py" not in str(view[at:], "utf-8")
    assert held.talk.next() is None
    assert held.end()[0] == 1


@pytest.mark.parametrize("handler", ["handlers.echo", "handlers.co"])
@pytest.mark.parametrize("concurrency", ["1", "3"])
def test_the_end_of_the_link_ends_it_at_once(hold, handler, concurrency):
    held = hold(handler, FESCUE_CONCURRENCY=concurrency).ready()
    status, out, err = held.end()
    assert (status, out, err) == (1, "loading handlers\n", "")


def test_printed_lines_come_at_once(hold):
    held = hold("handlers.fail").ready()
    assert held.process.stdout.readline() == "loading handlers\n"
    held.talk.send(invocation(1, b"1"))
    held.talk.expect(wire.FAILURE)
    assert held.process.stdout.readline() == "before the failure\n"


def test_sys_exit_is_answered_and_obeyed(hold):
    held = hold("handlers.leave").ready()
    held.talk.send(invocation(5))
    ident, body = held.talk.expect(wire.FAILURE)
    assert ident == 5
    assert b"SystemExit" in body
    assert held.end()[0] == 7


@pytest.mark.parametrize("concurrency", ["1", "4"])
@pytest.mark.parametrize("handler", ["handlers.echo", "handlers.co"])
def test_many_under_way_are_all_answered(hold, handler, concurrency):
    held = hold(handler, FESCUE_CONCURRENCY=concurrency).ready()
    count = 3000
    frames = b"".join(invocation(n + 1, b"0.0") for n in range(count))
    sender = threading.Thread(target=held.talk.send, args=(frames,))
    sender.start()
    answers = dict(held.talk.expect(wire.RESULT) for _ in range(count))
    sender.join()
    assert answers == dict.fromkeys(range(1, count + 1), b"0.0")


def test_a_quick_answer_does_not_wait_for_a_slow_one(hold):
    held = hold("handlers.sleep").ready()
    held.talk.send(invocation(1, b"0"), invocation(2, b"1.5"))
    begun = time.monotonic()
    assert held.talk.expect(wire.RESULT) == (1, b"true")  # in the main thread
    assert time.monotonic() - begun < 1
    assert held.talk.expect(wire.RESULT)[0] == 2


@pytest.mark.parametrize(("handler", "env"), [("handlers.co", {}), ("handlers.sleep", {"FESCUE_CONCURRENCY": "4"})])
def test_invocations_side_by_side(hold, handler, env):
    held = hold(handler, **env).ready()
    begun = time.monotonic()
    held.talk.send(*(invocation(n, b"0.4") for n in range(1, 5)), wire.goodbye())
    assert {held.talk.expect(wire.RESULT)[0] for _ in range(4)} == {1, 2, 3, 4}
    assert time.monotonic() - begun < 1.2
    assert held.talk.next() is None
    assert held.end()[0] == 0


def test_cancelled_tasks_end(hold):
    held = hold("handlers.co").ready()
    held.talk.send(invocation(1, b"60"), invocation(2, b"0"))
    assert held.talk.expect(wire.RESULT)[0] == 2
    held.talk.send(wire.frame(wire.CANCEL, 1))
    ident, body = held.talk.expect(wire.FAILURE)
    assert ident == 1
    assert b"Cancelled" in body


@pytest.mark.parametrize("handler", ["handlers.sleep", "handlers.co"])
def test_one_after_the_other_with_its_answer_before_the_next(hold, handler):
    held = hold(handler, FESCUE_CONCURRENCY="1").ready()
    held.talk.send(*(invocation(n, b"0.05") for n in range(1, 5)))
    begun = time.monotonic()
    for n in range(1, 5):
        assert held.talk.expect(wire.RESULT)[0] == n
        assert time.monotonic() - begun >= n * 0.05


def test_what_is_cancelled_before_it_began_is_answered(hold):
    held = hold("handlers.sleep", FESCUE_CONCURRENCY="1").ready()
    held.talk.send(invocation(1, b"0.2") + invocation(2, b"0.2") + wire.frame(wire.CANCEL, 2))
    answers = {held.talk.next()[1] for _ in range(2)}
    assert answers == {1, 2}


PARTS = """
def made(event, context):
    try:
        for n in range(1000):
            yield bytes([n % 256]) * 65536
    finally:
        context.log("info", "closed")

async def made_async(event, context):
    try:
        for n in range(1000):
            yield bytes([n % 256]) * 65536
    finally:
        context.log("info", "closed")
"""


@pytest.mark.parametrize(("handler", "concurrency"), [("made", "1"), ("made", "4"), ("made_async", "1")])
def test_parts_wait_for_credit_and_end_when_cancelled(hold, code, handler, concurrency):
    (code / "parts.py").write_text(PARTS)
    held = hold(f"parts.{handler}", FESCUE_CONCURRENCY=concurrency).ready()
    held.talk.send(wire.frame(wire.WELCOME, 0, struct.pack("<BBHIHH", 1, 0, 1023, 1 << 20, 0, 0)), invocation(7))
    for n in range(4):
        ident, body = held.talk.expect(wire.PART)
        assert (ident, body) == (7, b"\0" + bytes([n]) * 65536)
    held.talk.send(wire.frame(wire.PING, 1))
    assert held.talk.expect(wire.PONG)[0] == 1  # and no fifth part
    held.talk.send(wire.frame(wire.MORE, 7, struct.pack("<I", 65536)))
    assert held.talk.expect(wire.PART)[1][1] == 4
    held.talk.send(wire.frame(wire.CANCEL, 7))
    assert held.talk.expect(wire.LOG)[1] == b"closed"
    assert b"Cancelled" in held.talk.expect(wire.FAILURE)[1]


def test_ping_is_answered(hold):
    held = hold("handlers.echo").ready()
    held.talk.send(wire.frame(wire.PING, 3, b"x"))
    assert held.talk.expect(wire.PONG) == (3, b"x")


def test_what_is_not_of_the_protocol_ends_it(hold):
    held = hold("handlers.echo").ready()
    held.talk.send(wire.frame(wire.PUBLISH, 1))
    assert held.talk.next() is None
    status, _, err = held.end()
    assert status == 1
    assert "0x20" in err


def test_the_descriptor_is_not_inherited(hold, code):
    text = """
        import subprocess, sys
        def handle(event, context):
            return subprocess.run(["ls", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False).stdout
    """
    (code / "child.py").write_text(textwrap.dedent(text))
    held = hold("child.handle").ready()
    held.talk.send(invocation(1))
    descriptors = held.talk.expect(wire.RESULT)[1].split()
    assert len(descriptors) == 4, descriptors  # in, out, err and the directory that ls reads


def test_remaining_time():
    class Host:
        pass

    limited = Context(Host(), 1, 50, b"", b"")
    assert 0 < limited.get_remaining_time_in_millis() <= 50
    time.sleep(0.06)
    assert limited.get_remaining_time_in_millis() == 0
    unlimited = Context(Host(), 7, 0, b"", b"")
    assert unlimited.get_remaining_time_in_millis() == 0x7FFFFFFF
    assert unlimited.deadline is None
    assert unlimited.aws_request_id == "7"
