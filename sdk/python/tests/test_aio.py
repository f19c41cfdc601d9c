"""The asyncio client against the real broker, over both links."""

import asyncio
import os
import time

import pytest
from harness import OTHER, TOKEN
from peer import Peer, message

import fescue
from fescue import _wire as wire
from fescue import aio


@pytest.fixture
def run(broker, link):
    """Runs a coroutine function that is given a function which connects."""

    def run(work):
        async def main():
            clients = []

            async def connect(**options):
                clients.append(await aio.connect(broker.addresses[link], TOKEN, **options))
                return clients[-1]

            try:
                return await asyncio.wait_for(work(connect), 30)
            finally:
                for c in clients:
                    await c.close()

        return asyncio.run(main())

    return run


def test_publish_and_subscribe(run):
    async def work(connect):
        a, b = await connect(), await connect()
        assert (a.application, a.device) == ("app", "testdevice")
        messages = await b.subscribe("t/+")
        await a.publish("t/1", b"\x00")
        await a.publish("t/2", {"x": 1}, confirm=True)
        got = [await messages.get(5) for _ in range(2)]
        assert [(m.topic, m.payload) for m in got] == [("t/1", b"\x00"), ("t/2", b'{"x":1}')]
        assert await messages.get(0.01) is None
        await messages.close()
        assert [m async for m in messages] == []

    run(work)


def test_iteration_subscribes_by_itself(run):
    async def work(connect):
        a = await connect()
        got = []

        async def listen():
            async for m in a.messages("t/a", "t/b"):
                got.append(m.text())
                if len(got) == 3:
                    return

        task = asyncio.ensure_future(listen())
        while not task.done():
            for topic in ("t/a", "t/b"):
                await a.publish(topic, topic)
            await asyncio.sleep(0.01)
        await task
        assert set(got) <= {"t/a", "t/b"}

    run(work)


def test_block_loses_nothing(run):
    async def work(connect):
        a, b = await connect(), await connect()
        messages = await b.subscribe("t/n", policy="block", queue=64)

        async def publish():
            for n in range(5000):
                await a.publish("t/n", str(n))

        task = asyncio.ensure_future(publish())
        assert [int((await messages.get(10)).payload) for _ in range(5000)] == list(range(5000))
        await task

    run(work)


def test_a_large_message_passes(run):
    async def work(connect):
        a = await connect()
        messages = await a.subscribe("t/large")
        payload = os.urandom(900_000)
        await a.publish("t/large", payload)
        assert (await messages.get(20)).payload == payload
        with pytest.raises(fescue.TooLarge):
            await a.publish("t/large", payload * 2)

    run(work)


def test_permissions(run):
    async def work(connect):
        a = await connect()
        for refused in (a.publish("secret", ""), a.request("secret"), a.publish("secret", confirm=True)):
            with pytest.raises(fescue.PermissionDenied):
                await refused
        with pytest.raises(fescue.PermissionDenied):
            await a.subscribe("#")
        with pytest.raises(fescue.InvalidTopic):
            await a.publish("t/+/x")
        await a.publish("t/x", "the session goes on", confirm=True)

    run(work)


def test_callbacks_of_both_kinds(run):
    async def work(connect):
        a, heard, done = await connect(), [], asyncio.Event()

        async def slow(m):
            await asyncio.sleep(0.001)
            heard.append(m.text())
            await a.publish("t/reply", "x")
            if m.text() == "2":
                raise RuntimeError("on purpose")

        def quick(m):
            if len(heard) == 5:
                done.set()

        await a.subscribe("t/n", slow)
        await a.subscribe("t/reply", quick)
        for n in range(5):
            await a.publish("t/n", str(n))
        await asyncio.wait_for(done.wait(), 5)
        assert heard == list("01234")

    run(work)


def test_requests(run):
    async def work(connect):
        a, b = await connect(), await connect()

        async def double(m):
            return {"double": 2 * m.json()}

        def fail(_message):
            raise ValueError("no")

        await b.responder("req/double", double)
        await b.responder("req/fail", fail)
        answers = await asyncio.gather(*(a.request("req/double", n) for n in range(50)))
        assert [m.json()["double"] for m in answers] == [2 * n for n in range(50)]
        with pytest.raises(fescue.RemoteError, match="ValueError: no"):
            await a.request("req/fail")
        with pytest.raises(fescue.NoResponder):
            await a.request("req/nobody")

        async def sleep(_message):
            await asyncio.sleep(3)

        await b.responder("req/slow", sleep)
        with pytest.raises(fescue.RequestTimeout):
            await a.request("req/slow", timeout=0.1)

    run(work)


def test_connecting_fails(broker, link):
    async def work():
        with pytest.raises(fescue.Unauthenticated):
            await aio.connect(broker.addresses[link], OTHER)
        with pytest.raises(fescue.ConnectionLost):
            await aio.connect("unix:/no/such", TOKEN)

    asyncio.run(work())


def test_closing(broker, link):
    async def work():
        async with aio.connect(broker.addresses[link], TOKEN) as a:
            messages = await a.subscribe("t/x")
            task = asyncio.ensure_future(messages.get())
            await a.publish("t/y", "x", confirm=True)
        assert await asyncio.wait_for(task, 5) is None
        with pytest.raises(fescue.ClientClosed):
            await a.publish("t/x")
        await a.close()

    asyncio.run(work())


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_comes_back(run, broker, how):
    async def work(connect):
        a, b, errors = await connect(), await connect(), []
        messages = await b.subscribe("t/#")
        await a.publish("t/x", "before")
        assert (await messages.get(5)).text() == "before"
        getattr(broker, how)()
        broker.start()
        begun = time.monotonic()
        got = None
        while got is None:
            await a.publish("t/x", "after")
            got = await messages.get(0.1)
        assert got.text() == "after"
        assert time.monotonic() - begun < 2.5
        assert not errors

    run(work)


def test_an_unknown_token_after_a_while(run, broker, monkeypatch):
    monkeypatch.setattr("fescue.aio.TOKEN_PATIENCE", 0.3)

    async def work(connect):
        a = await connect()
        messages = await a.subscribe("t/#")
        broker.do(revoke="app")
        with pytest.raises(fescue.PermissionDenied):
            await messages.get(20)
        with pytest.raises(fescue.Unauthenticated):
            await a.publish("t/x")

    run(work)


def test_what_is_not_of_the_protocol_ends_the_link():
    peer = Peer()

    async def work():
        loop = asyncio.get_running_loop()
        accepted = loop.run_in_executor(None, peer.accept)
        async with aio.connect(peer.address, TOKEN) as client:
            talk = await accepted
            granted = loop.run_in_executor(None, talk.grant, wire.SUBSCRIBE)
            messages = await client.subscribe("t/#")
            ident, _ = await granted
            talk.send(wire.frame(0x7F, 1))
            talk2 = await loop.run_in_executor(None, peer.accept)
            assert await loop.run_in_executor(None, talk2.expect, wire.SUBSCRIBE)
            talk2.send(message(ident, b"t/1", b"sane"))
            assert (await messages.get(5)).text() == "sane"
            talk.close()
            talk2.close()

    try:
        asyncio.run(work())
    finally:
        peer.close()
