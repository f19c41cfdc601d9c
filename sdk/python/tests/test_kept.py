"""State, kept messages, history and credit against the real broker, with both clients."""

import asyncio
import threading

import pytest
from harness import TOKEN

import fescue
from fescue import aio

KEEP = [{"topic": "t/kept/#", "size": 1 << 20}, {"topic": "t/dead", "size": 1 << 20}]


@pytest.fixture(params=["unix", "tcp"])
def where(request, broker):
    broker.grants["app"]["keep"] = KEEP
    broker.do(grant=broker.grants["app"])
    if request.param not in broker.addresses:
        pytest.skip("the broker has no such link")
    return broker.addresses[request.param]


@pytest.fixture
def client(where):
    with fescue.connect(where, TOKEN) as c:
        yield c


def test_state(client):
    state = client.state
    assert state.get("k") is None
    first = state.put("k", {"n": 1})
    entry = state.get("k")
    assert (entry.json(), entry.revision) == ({"n": 1}, first)
    with pytest.raises(fescue.Conflict):
        state.put("k", 2, revision=first + 5)
    second = state.put("k", 2, revision=first)
    assert second > first
    state.put("r/a", b"")
    assert state.keys() == ["k", "r/a"]
    assert state.keys("r/#") == ["r/a"]
    state.delete("k")
    state.delete("k")
    assert state.get("k") is None
    with pytest.raises(fescue.InvalidTopic):
        state.put("a/#", b"")
    with pytest.raises(fescue.FescueError):
        state.get("k" * 257)


def test_state_vanishes(client):
    watch = client.state.watch("gone")
    assert watch.get(10).kind == "end"
    client.state.put("gone", b"soon", ttl=1)
    assert [watch.get(10).kind for _ in range(2)] == ["put", "expired"]
    watch.close()
    assert client.state.get("gone") is None


def test_counting_together(client):
    """Two threads change one value; compare and set loses nothing."""

    def count():
        for _ in range(20):
            while True:
                entry = client.state.get("count")
                n, revision = (entry.json(), entry.revision) if entry else (0, 0)
                try:
                    client.state.put("count", n + 1, revision=revision)
                    break
                except fescue.Conflict:
                    continue

    threads = [threading.Thread(target=count) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert client.state.get("count").json() == 40


def test_kept_messages_come_until_they_are_done(where, client):
    for n in range(3):
        client.store("t/kept/x", n)
    with pytest.raises(fescue.NotKept):
        client.store("t/other", 1)
    deliveries = client.consume("p", "t/kept/#", start="oldest", window=2)
    zero, one = deliveries.get(10), deliveries.get(10)
    assert [zero.json(), one.json(), zero.attempt, zero.maybe_before] == [0, 1, 1, False]
    assert deliveries.get(0.1) is None  # the window is full
    one.done()
    assert deliveries.get(10).json() == 2
    zero.again(0)
    again = deliveries.get(10)
    assert (again.json(), again.attempt, again.maybe_before) == (0, 2, True)
    deliveries.close()
    with fescue.connect(where, TOKEN) as other, other.consume("p", "t/kept/#") as rest:
        got = [rest.get(10) for _ in range(2)]
        assert sorted(d.json() for d in got) == [0, 2]
        for d in got:
            d.done()
        assert rest.get(0.1) is None
    with pytest.raises(fescue.Conflict):
        client.consume("p", "t/kept/x")
    client.forget("p")


def test_dead_letters(client):
    dead = client.subscribe("t/dead")
    with pytest.raises(fescue.NotKept, match="t/lost"):  # nobody keeps it
        client.consume("d", "t/kept/y", dead_letter="t/lost")
    deliveries = client.consume("d", "t/kept/y", attempts=2, dead_letter="t/dead")
    client.store("t/kept/y", "bad")
    deliveries.get(10).again(0)
    deliveries.get(10).again(0)
    assert dead.get(10).text() == "bad"
    client.store("t/kept/y", "worse")
    deliveries.get(10).reject()
    assert dead.get(10).text() == "worse"


def test_deliveries_outlive_the_broker(broker, client):
    deliveries = client.consume("o", "t/kept/z")
    client.store("t/kept/z", "one")
    first = deliveries.get(10)
    broker.kill()
    broker.start()
    again = deliveries.get(20)
    assert (again.text(), again.maybe_before, again.sequence) == ("one", True, first.sequence)
    again.done()
    client.store("t/kept/z", "two")
    assert deliveries.get(10).text() == "two"


def test_history(client):
    for n in range(5):
        client.publish("t/kept/h", n)
    client.store("t/kept/h", 5)
    assert [m.json() for m in client.history("t/kept/h")] == [0, 1, 2, 3, 4, 5]
    newest = client.history("t/kept/h", limit=2, newest=True)
    assert [m.json() for m in newest] == [4, 5]
    assert client.history("t/kept/h", since=newest[1].time + 10) == []
    with pytest.raises(fescue.NotKept):
        client.history("t/#")


def test_credit(client):
    messages = client.subscribe("t/c", credit=2, queue=10)
    for n in range(5):
        client.publish("t/c", n)
    client.drain()
    assert [messages.get(10).json() for _ in range(2)] == [0, 1]
    assert messages.get(0.1) is None
    messages.credit(1)
    assert messages.get(10).json() == 2


def test_asyncio(where):
    async def main():
        async with aio.connect(where, TOKEN) as client:
            state = client.state
            assert await state.get("a/k") is None
            revision = await state.put("a/k", [1])
            entry = await state.get("a/k")
            assert (entry.json(), entry.revision) == ([1], revision)
            assert await state.keys("a/#") == ["a/k"]
            watch = await state.watch("a/#")
            assert [(await watch.get(10)).kind for _ in range(2)] == ["put", "end"]
            await state.delete("a/k", revision=revision)
            assert (await watch.get(10)).kind == "deleted"
            deliveries = await client.consume("aio", "t/kept/aio")
            await client.store("t/kept/aio", "stored")
            delivery = await deliveries.get(10)
            assert delivery.text() == "stored"
            delivery.done()
            assert [m.text() for m in await client.history("t/kept/aio")] == ["stored"]
            messages = await client.subscribe("t/aio", credit=1)
            await client.publish("t/aio", 1)
            await client.publish("t/aio", 2)
            assert (await messages.get(10)).json() == 1
            await messages.credit(1)
            assert (await messages.get(10)).json() == 2

    asyncio.run(main())
