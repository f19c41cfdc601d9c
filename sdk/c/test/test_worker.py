"""A function in C, called by the real broker."""

import threading

import pytest
from harness import OTHER, TOKEN

import fescue


@pytest.fixture
def function(broker, programs):
    broker.grant("fun", "", subscribe=["t/#"], publish=["t/#"])
    answer = broker.do(worker={"name": "fun", "argv": [programs("worker")], "dir": "/", "env": ["ASAN_OPTIONS=detect_leaks=1"]})
    assert answer == {}, answer
    return lambda payload, **more: broker.invoke("fun", payload, **more)


def test_a_function(broker, function):
    assert function(b"echo \x00\xff") == b"\x00\xff"
    assert function(b"nothing") == b""
    assert function(b"topic", subject="t/in") == b"t/in"
    assert function(b"type", id="1", source="x", type="message") == b"message"
    assert function(b"type", id="1") == b""
    failure = function(b"fail ")
    assert (failure["type"], failure["error"]) == ("ValueError", "as it was told to")
    assert function(b"echo " + b"x" * 900_000) == b"x" * 900_000
    assert len(function(b"large ")) == 1 << 20
    assert function(b"larger")["type"] == "TooLarge"
    assert function(b"log") == b""
    assert broker.do(logs={})["logs"][-1] == ["fun", 2, "from the handler"]
    assert broker.do(stop="fun")["status"] == 0


def test_what_a_function_publishes(broker, function):
    with fescue.connect(broker.addresses["unix"], TOKEN) as client:
        messages = client.subscribe("t/#")
        assert function(b"publish t/out") == b""
        assert messages.get(10).payload == b"published"
        assert function(b"publish secret/x")["type"] == "denied"


def test_calling_another_function(broker, function):
    broker.grant("fun", "", subscribe=["t/#"], publish=["t/#", "$fescue/invoke/other"])
    broker.grant("other", OTHER, subscribe=["$fescue/invoke/other"])
    failure = function(b"invoke other")
    assert failure["type"] == "no-responder", failure
    with fescue.connect(broker.addresses["unix"], OTHER) as client:
        client.responder("$fescue/invoke/other")(lambda m: m.payload * 3)
        assert function(b"invoke other") == b"333"
    assert function(b"invoke secret")["type"] == "denied"
    assert function(b"invoke " + b"x" * 64)["type"] == "argument"


def test_cancellation(broker, function):
    with fescue.connect(broker.addresses["unix"], TOKEN) as client:
        messages = client.subscribe("t/cancelled")
        assert function(b"cancel", timeout=200)["kind"] == "timeout"
        assert messages.get(10).payload == b"yes"
    assert function(b"echo still here") == b"still here"


def test_many_at_once(broker, function):
    threads = [threading.Thread(target=lambda: [function(b"echo 1") for _ in range(50)]) for _ in range(1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert broker.do(stop="fun")["status"] == 0
