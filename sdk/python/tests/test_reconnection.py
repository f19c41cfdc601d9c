"""A client is never silently deaf: it comes back, or it is told."""

import threading
import time

import pytest
from harness import TOKEN
from peer import Peer, message

import fescue
from fescue import _wire as wire


@pytest.fixture
def peer():
    p = Peer()
    yield p
    p.close()


def in_thread(work, *arguments):
    """Starts work; join() gives its result or raises its exception."""
    outcome = []

    def run():
        try:
            outcome.append((work(*arguments), None))
        except BaseException as e:
            outcome.append((None, e))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(20)
        assert outcome, "the thread did not end"
        if outcome[0][1] is not None:
            raise outcome[0][1]
        return outcome[0][0]

    return join


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_subscriptions_and_registrations_are_made_anew(broker, link, how):
    heard = []
    with fescue.connect(broker.addresses[link], TOKEN) as a, fescue.connect(broker.addresses[link], TOKEN) as b:
        messages = b.subscribe("t/#", policy="block")
        b.subscribe("t/c", heard.append)
        a.publish("t/x", "before", confirm=True)
        a.publish("t/x", "registered")
        assert [next(messages).text() for _ in range(2)] == ["before", "registered"]
        getattr(broker, how)()
        broker.start()
        begun = time.monotonic()
        got = None
        while got is None and time.monotonic() - begun < 10:
            a.publish("t/x", "after")
            a.publish("t/c", "after")
            got = messages.get(0.1)
        assert got.text() == "after"
        assert time.monotonic() - begun < 2.5
        while not heard and time.monotonic() - begun < 10:
            a.publish("t/c", "after")
            messages.get(0.05)
        assert heard


def test_an_idle_subscriber_comes_back_by_itself(broker, link):
    with fescue.connect(broker.addresses[link], TOKEN) as b:
        messages = b.subscribe("t/#")
        join = in_thread(messages.get, 20)
        broker.kill()
        time.sleep(0.3)  # the broker is away for a while, longer than the first pauses
        broker.start()
        deadline = time.monotonic() + 10
        with fescue.connect(broker.addresses[link], TOKEN) as a:
            while not b._session.core.welcomed or b._session._link is None:
                assert time.monotonic() < deadline, "it did not come back"
                time.sleep(0.01)
            a.publish("t/x", "you are back", confirm=True)
        assert join().text() == "you are back"


def test_a_revoked_application_is_told(broker, link, monkeypatch):
    monkeypatch.setattr("fescue._session.TOKEN_PATIENCE", 0.3)
    with fescue.connect(broker.addresses[link], TOKEN) as a:
        messages = a.subscribe("t/#")
        broker.do(revoke="app")
        with pytest.raises(fescue.PermissionDenied):
            messages.get(20)
        with pytest.raises(fescue.Unauthenticated):
            a.publish("t/x", "x")


def test_publishing_waits_for_the_link_and_then_gives_up(broker, link):
    with fescue.connect(broker.addresses[link], TOKEN, timeout=0.5) as a:
        a.publish("t/x", "x")
        broker.kill()
        begun = time.monotonic()
        with pytest.raises(fescue.ConnectionLost):
            while time.monotonic() - begun < 10:
                a.publish("t/x", "x")
        assert time.monotonic() - begun < 3
        broker.start()
        a.publish("t/x", "x", confirm=True)


def test_a_request_under_way_is_told_of_the_loss(broker, link):
    a, b = (fescue.connect(broker.addresses[link], TOKEN) for _ in range(2))
    asked, release = threading.Event(), threading.Event()

    @b.responder("req/slow")
    def slow(message):
        asked.set()
        release.wait(10)

    join = in_thread(a.request, "req/slow")
    assert asked.wait(5)
    broker.kill()
    with pytest.raises(fescue.ConnectionLost):
        join()
    release.set()
    a.close()
    b.close()


def test_goodbye_and_connect_again(peer):
    join = in_thread(fescue.connect, peer.address, TOKEN)
    talk = peer.accept()
    client = join()
    join = in_thread(client.subscribe, "t/#")
    ident, body = talk.grant(wire.SUBSCRIBE)
    messages = join()
    join = in_thread(messages.get, 10)
    talk.send(message(ident, b"t/1", b"first"), wire.goodbye(14, "the agent restarts"))
    talk.close()
    assert join().text() == "first"
    join = in_thread(messages.get, 10)
    talk = peer.accept()
    assert talk.grant(wire.SUBSCRIBE) == (ident, body)
    talk.send(message(ident, b"t/2", b"second"))
    assert join().text() == "second"
    in_thread(client.close)
    talk.expect(wire.GOODBYE)
    talk.close()


def test_what_is_not_of_the_protocol_ends_the_link(peer):
    join = in_thread(fescue.connect, peer.address, TOKEN)
    talk = peer.accept()
    client = join()
    join = in_thread(client.subscribe, "t/#")
    talk.grant(wire.SUBSCRIBE)
    messages = join()
    join = in_thread(messages.get, 10)
    talk.send(wire.frame(0x7F, 1))
    assert talk.next() is None
    talk = peer.accept()
    talk.grant(wire.SUBSCRIBE)
    talk.send(message(1, b"t/2", b"sane again"))
    assert join().text() == "sane again"
    talk.close()
    client.close()


def test_a_broker_that_does_not_answer(peer):
    join = in_thread(lambda: fescue.connect(peer.address, TOKEN, timeout=0.3))
    talk = peer.accept(greet=False)
    with pytest.raises(fescue.ConnectionLost, match="HELLO"):
        join()
    talk.close()
    join = in_thread(lambda: fescue.connect(peer.address, TOKEN, timeout=0.3))
    talk = peer.accept()
    client = join()
    with pytest.raises(fescue.ConnectionLost, match="SUBSCRIBE"):
        client.subscribe("t/#")
    talk.close()
    client.close()


def test_ping_is_answered_and_errors_come_with_the_next_call(peer):
    join = in_thread(fescue.connect, peer.address, TOKEN)
    talk = peer.accept()
    client = join()
    join = in_thread(client.publish, "t/x", "1")
    ident, _ = talk.grant(wire.REGISTER)
    join()
    assert talk.expect(wire.PUBLISH) == (ident, b"1")
    talk.send(wire.frame(wire.PING, 9, b"abc"), wire.error(ident, 6, wire.PUBLISH, "t/x", "too large"))
    time.sleep(0.06)  # it looks for errors every 50 ms
    with pytest.raises(fescue.TooLarge, match="too large"):
        client.publish("t/x", "2")
    assert talk.expect(wire.PONG) == (9, b"abc")
    talk.close()
    client.close()
