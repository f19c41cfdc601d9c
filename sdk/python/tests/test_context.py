"""What contexts of functions can do with state, kept topics and requests, in each of the three kinds of worker."""

import json
import sys

import pytest
from harness import PACKAGE, TOKEN

import fescue

PLAIN = """
import fescue

def state(event, context):
    s = context.state
    before = s.get("n")
    first = s.put("n", {"n": event})
    conflict = ""
    try:
        s.put("n", 0, revision=first + 5)
    except fescue.Conflict as e:
        conflict = type(e).__name__
    s.put("rooms/a", b"1", ttl=3600)
    keys = s.keys(), s.keys("rooms/#"), s.keys("none/#")
    s.delete("rooms/a")
    return {"before": before and before.json(), "now": s.get("n").json(), "revision": s.get("n").revision - first,
            "conflict": conflict, "keys": keys, "gone": s.get("rooms/a")}

def kept(event, context):
    for n in range(3):
        context.store("t/kept/" + event, n)
    past = context.history("t/kept/" + event)
    last = context.history("t/kept/" + event, limit=1, newest=True)
    try:
        context.store("t/loose", 1)
    except fescue.NotKept as e:
        missing = type(e).__name__
    return [m.json() for m in past], last[0].json(), last[0].topic, context.history("t/kept/none"), missing

def request(event, context):
    answer = context.request("req/double", event)
    try:
        context.request("req/nobody", b"", timeout=5)
    except fescue.NoResponder as e:
        return answer.json(), answer.topic, e.topic

def denied(event, context):
    try:
        context.history("secret/x")
    except fescue.PermissionDenied as e:
        first = e.topic
    try:
        context.store("secret/x", 1)
    except fescue.PermissionDenied as e:
        return [first, e.topic]
"""
# The same for `async def`, where what takes time is awaited.
AWAITED = PLAIN
for call in ("s.get(", "s.put(", "s.delete(", "s.keys(", "context.store(", "context.history(", "context.request("):
    AWAITED = AWAITED.replace(call, "await " + call)
AWAITED = AWAITED.replace("def ", "async def ")
for call in ('await s.get("n")', 'await s.get("n")'):
    AWAITED = AWAITED.replace(call + ".", f"({call}).")
AWAITED += """
import asyncio

async def together(event, context):
    return await asyncio.gather(*(one(n, context) for n in range(event)))

async def one(n, context):
    await context.state.put(f"n/{n}", n)
    return (await context.state.get(f"n/{n}")).json()
"""


@pytest.fixture(params=["main thread", "threads", "async"])
def call(request, broker, tmp_path):
    """Starts a worker for a handler and gives a function that invokes it."""
    (tmp_path / "handlers.py").write_text(AWAITED if request.param == "async" else PLAIN)
    broker.grants["fn"] = {
        "name": "fn", "token": "", "publish": ["t/#", "req/#"], "subscribe": ["t/#"],
        "keep": [{"topic": "t/kept/#", "size": 1 << 20}],
    }  # fmt: skip
    broker.do(grant=broker.grants["fn"])

    def start(handler):
        env = {"FESCUE_HANDLER": "handlers." + handler, "PYTHONPATH": str(PACKAGE)}
        if request.param == "threads":
            env["FESCUE_CONCURRENCY"] = "4"
        worker = {
            "name": "fn", "argv": [sys.executable, "-m", "fescue.worker"], "dir": str(tmp_path),
            "env": [f"{k}={v}" for k, v in env.items()],
        }  # fmt: skip
        assert broker.do(worker=worker) == {}

        def invoke(event):
            answer = broker.invoke("fn", json.dumps(event).encode())
            assert isinstance(answer, bytes), answer
            return json.loads(answer)

        return invoke

    start.kind = request.param
    return start


def test_state(call):
    state = call("state")
    keys = [["n", "rooms/a"], ["rooms/a"], []]
    expected = {"revision": 0, "conflict": "Conflict", "keys": keys, "gone": None}
    assert state(1) == {"before": None, "now": {"n": 1}, **expected}
    assert state(2) == {"before": {"n": 1}, "now": {"n": 2}, **expected}


def test_kept_topics(call):
    assert call("kept")("a") == [[0, 1, 2], 2, "t/kept/a", [], "NotKept"]


def test_requests(call, broker):
    with fescue.connect(broker.addresses["unix"], TOKEN) as client:
        client.responder("req/double")(lambda m: 2 * m.json())
        assert call("request")(21) == [42, "req/double", "req/nobody"]


def test_denials_are_the_handlers(call):
    assert call("denied")(None) == ["secret/x", "secret/x"]


def test_many_at_once(call):
    if call.kind != "async":
        pytest.skip("one handler asks one thing after the other")
    assert call("together")(500) == list(range(500))
