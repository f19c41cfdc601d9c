"""The blocking client against the real broker, over both links."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from harness import OTHER, PACKAGE, TOKEN

import fescue


@pytest.fixture
def connect(broker, link):
    clients = []

    def make(token=TOKEN, **options):
        clients.append(fescue.connect(broker.addresses[link], token, **options))
        return clients[-1]

    yield make
    for c in clients:
        c.close()


def test_publish_and_subscribe(connect):
    a, b = connect(), connect()
    assert (a.application, a.device) == ("app", "testdevice")
    messages = b.subscribe("t/+")
    a.publish("t/1", b"\x00\xff")
    a.publish("t/2", "grün")
    a.publish("t/3", {"roots": [1, None]})
    a.publish("t/4")
    got = [messages.get(5) for _ in range(4)]
    assert [m.topic for m in got] == ["t/1", "t/2", "t/3", "t/4"]
    assert [m.payload for m in got] == [b"\x00\xff", "grün".encode(), b'{"roots":[1,null]}', b""]
    assert got[1].text() == "grün"
    assert got[2].json() == {"roots": [1, None]}
    assert messages.get(0.01) is None


def test_held_messages_go_out_together(connect):
    a, b = connect(hold=True), connect()
    messages, answers = b.subscribe("t/there", queue=4096), a.subscribe("t/back")
    a.publish("t/there", "first")  # registering the topic waits for an answer; the message is held
    assert messages.get(0.2) is None
    a.flush()
    assert messages.get(5).text() == "first"
    for n in range(3000):  # more than is held
        a.publish("t/there", n.to_bytes(4, "little") * 16)
    assert answers.get(0.01) is None  # who waits for a message sends first
    assert [int.from_bytes(messages.get(5).payload[:4], "little") for _ in range(3000)] == list(range(3000))
    a.publish("t/there", "last")
    a.close()  # after everything published before
    assert messages.get(5).text() == "last"


def test_a_filter_without_wildcards_gives_its_topic(connect):
    a = connect()
    messages = a.subscribe("t/own")
    a.publish("t/own", "x")
    assert messages.get(5).topic == "t/own"


def test_own_messages_can_be_left_out(connect):
    a, b = connect(), connect()
    messages = a.subscribe("t/#", own=False)
    a.publish("t/x", "mine")
    a.drain()
    b.publish("t/x", "yours")
    assert messages.get(5).text() == "yours"


def test_order_and_nothing_lost_with_block(connect):
    a, b = connect(), connect()
    messages = b.subscribe("t/n", policy="block", queue=64)

    def publish():
        for n in range(5000):
            a.publish("t/n", str(n))

    thread = threading.Thread(target=publish)
    thread.start()
    assert [int(next(messages).payload) for _ in range(5000)] == list(range(5000))
    thread.join()


def test_a_large_message_passes(connect):
    a = connect()
    messages = a.subscribe("t/large")
    payload = os.urandom(900_000)
    thread = threading.Thread(target=a.publish, args=("t/large", payload))
    thread.start()
    assert messages.get(20).payload == payload
    thread.join()


def test_too_large_is_told_before_it_is_sent(connect):
    a = connect()
    with pytest.raises(fescue.TooLarge, match="t/x"):
        a.publish("t/x", b"x" * (1 << 20) + b"x")
    with pytest.raises(fescue.TooLarge):
        a.request("t/x", b"x" * (1 << 20))
    a.publish("t/x", b"still works", confirm=True)


def test_permissions(connect):
    a = connect()
    with pytest.raises(fescue.PermissionDenied, match=r"fescue\.yaml") as e:
        a.publish("secret/x", "x")
    assert e.value.topic == "secret/x"
    assert e.value.code == 4
    with pytest.raises(fescue.PermissionDenied):
        a.publish("secret/x", "x", confirm=True)
    with pytest.raises(fescue.PermissionDenied) as e:
        a.subscribe("#")
    assert e.value.topic == "#"
    with pytest.raises(PermissionError):
        a.request("secret/x")
    a.publish("t/x", "the session goes on", confirm=True)


@pytest.mark.parametrize("topic", ["", "t/#/x", "t/\x00", "x" * 70_000])
def test_invalid_topics(connect, topic):
    a = connect()
    for use in (a.publish, a.subscribe, a.request):
        with pytest.raises(fescue.InvalidTopic):
            use(topic)
    a.publish("t/x", "the session goes on", confirm=True)


def test_bad_arguments(connect):
    a = connect()
    with pytest.raises(ValueError, match="drop-oldest"):
        a.subscribe("t/x", policy="drop-some")
    with pytest.raises(ValueError, match="queue"):
        a.subscribe("t/x", queue=70_000)
    with pytest.raises(ValueError, match="debug"):
        a.log("loud", "x")
    with pytest.raises(TypeError):
        a.publish("t/x", {1, 2})
    with pytest.raises(ValueError, match="JSON"):
        a.publish("t/x", float("nan"))
    with pytest.raises(TypeError):
        a.messages()


def test_an_unknown_token(broker, link):
    with pytest.raises(fescue.Unauthenticated, match="FESCUE_TOKEN"):
        fescue.connect(broker.addresses[link], OTHER)


def test_nobody_there():
    with pytest.raises(fescue.ConnectionLost, match=r"/no/such"):
        fescue.connect("unix:/no/such.sock", TOKEN)
    with pytest.raises(fescue.FescueError, match="unix:PATH"):
        fescue.connect("tcp:1.2.3.4", TOKEN)


def test_no_environment(monkeypatch):
    monkeypatch.delenv("FESCUE_EXCHANGE", raising=False)
    with pytest.raises(fescue.FescueError, match="FESCUE_EXCHANGE"):
        fescue.connect()


def test_callbacks(connect):
    a, b = connect(), connect()
    heard, done = [], threading.Event()

    def hear(message):
        heard.append(message.text())
        b.publish("t/first-from-callback", "x")  # waits for the broker inside the callback
        if message.text() == "2":
            raise RuntimeError("on purpose")
        if message.text() == "4":
            done.set()

    b.subscribe("t/n", hear)
    for n in range(5):
        a.publish("t/n", str(n))
    assert done.wait(5)
    assert heard == list("01234")


def test_messages_of_several_filters_in_order(connect):
    a, b = connect(), connect()
    messages = b.messages("t/a", "t/b/#")
    for n, topic in enumerate(["t/a", "t/b", "t/b/c", "t/a"]):
        a.publish(topic, str(n))
    assert [next(messages).text() for _ in range(4)] == list("0123")


def test_requests(connect):
    a, b = connect(), connect()

    @b.responder("req/double")
    def double(message):
        if message.payload == b"bad":
            raise ValueError("no number")
        return {"double": 2 * message.json()}

    assert double.__name__ == "double"
    assert a.request("req/double", 21).json() == {"double": 42}
    with pytest.raises(fescue.RemoteError, match="ValueError: no number"):
        a.request("req/double", "bad")
    with pytest.raises(fescue.NoResponder) as e:
        a.request("req/nobody")
    assert "nobody" in str(e.value) or e.value.topic == "req/nobody"


def test_a_request_that_is_not_answered_in_time(connect):
    a, b = connect(), connect()
    release = threading.Event()
    b.responder("req/slow")(lambda m: release.wait(5))
    begun = time.monotonic()
    with pytest.raises(fescue.RequestTimeout, match="req/slow"):
        a.request("req/slow", timeout=0.2)
    assert time.monotonic() - begun < 2
    release.set()


def test_requests_from_many_threads(connect):
    a, b = connect(), connect()
    b.responder("req/echo")(lambda m: m.payload)
    wrong = []

    def ask(k):
        for n in range(50):
            if a.request("req/echo", f"{k}-{n}").text() != f"{k}-{n}":
                wrong.append((k, n))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert not wrong
    assert not any(t.is_alive() for t in threads)


def test_threads_publish_and_subscribe_at_once(connect):
    a = connect()
    total = {}

    def work(k):
        messages = a.subscribe(f"t/{k}", queue=2000)
        for n in range(300):
            a.publish(f"t/{k}", str(n))
        total[k] = [int(messages.get(10).payload) for _ in range(300)]
        messages.close()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert total == {k: list(range(300)) for k in range(6)}


def test_unsubscribing_ends_the_iteration(connect):
    a = connect()
    messages = a.subscribe("t/x")
    a.publish("t/x", "1", confirm=True)
    assert next(messages).text() == "1"
    messages.close()
    a.publish("t/x", "2", confirm=True)
    assert list(messages) == []
    messages.close()


def test_closing_ends_iterations_in_other_threads(connect):
    a = connect()
    messages = a.subscribe("t/x")
    ended = threading.Event()

    def iterate():
        list(messages)
        ended.set()

    thread = threading.Thread(target=iterate)
    thread.start()
    a.publish("t/x", "wait until it has been read")
    a.close()
    assert ended.wait(5)
    thread.join()
    with pytest.raises(fescue.ClientClosed):
        a.publish("t/x", "x")
    a.close()


def test_what_was_published_before_close_arrives(connect):
    b = connect()
    messages = b.subscribe("t/#", queue=5000)
    a = connect()
    for n in range(2000):
        a.publish("t/x", str(n))
    a.close()
    assert [int(messages.get(5).payload) for _ in range(2000)] == list(range(2000))


def test_drop_oldest_keeps_the_newest_and_tells(connect):
    errors = []
    a, b = connect(), connect(on_error=errors.append)
    messages = b.subscribe("t/x", queue=4)
    other = b.subscribe("t/other")
    for n in range(50_000):
        a.publish("t/x", str(n))
    a.publish("t/other", "end", confirm=True)
    assert other.get(10).text() == "end"  # reads everything that waits
    got = []
    while (m := messages.get(0.3)) is not None:
        got.append(int(m.payload))
    assert got == sorted(got)
    assert got[-1] == 49_999
    assert any(isinstance(e, fescue.Overflow) for e in errors)


def test_on_error_may_use_the_client(connect):
    a, told = connect(), threading.Event()

    def on_error(_error):
        b.publish("t/told", "for the first time, so it waits for an answer")
        told.set()

    b = connect(on_error=on_error)
    messages = b.subscribe("t/x", queue=1)
    for n in range(20_000):
        a.publish("t/x", str(n))
    a.drain()
    while not told.is_set():
        assert messages.get(5) is not None


def test_one_subscription_in_many_threads(connect):
    a, b, got = connect(), connect(), []
    messages = b.subscribe("t/x", queue=5000)

    def take():
        got.extend(int(m.payload) for m in messages)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for t in threads:
        t.start()
    for n in range(3000):
        a.publish("t/x", str(n))
    deadline = time.monotonic() + 20
    while len(got) < 3000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    messages.close()
    for t in threads:
        t.join(10)
    assert sorted(got) == list(range(3000))


def test_permission_taken_away_while_running(broker, connect):
    a = connect()
    messages = a.subscribe("t/x")
    a.publish("t/x", "1", confirm=True)
    a.publish("t/y", "register it")
    broker.grant("app", TOKEN, subscribe=["t/other"], publish=["t/other"])
    assert next(messages).text() == "1"
    with pytest.raises(fescue.PermissionDenied):
        next(messages)
    with pytest.raises(fescue.PermissionDenied):
        for _ in range(100):
            a.publish("t/y", "x")
            a.drain()
    with contextlib.suppress(fescue.PermissionDenied):
        a.drain()  # that what was sent before the refusal was read has been dropped, is told by the next call
    a.publish("t/other", "x", confirm=True)


def test_log(broker, connect):
    a = connect()
    a.log("warning", "leading coefficient is 0")
    a.drain()
    assert broker.do(logs={})["logs"] == [["app", 2, "leading coefficient is 0"]]


def program(broker, link, text, **options):
    env = {**os.environ, "FESCUE_EXCHANGE": broker.addresses[link], "FESCUE_TOKEN": TOKEN, "PYTHONPATH": str(PACKAGE)}
    argv = [sys.executable, "-c", textwrap.dedent(text)]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def catches(pid, number):
    """Whether a process has a handler for a signal."""
    with open(f"/proc/{pid}/status") as status:
        mask = next(line for line in status if line.startswith("SigCgt")).split()[1]
    return bool(int(mask, 16) & 1 << (number - 1))


def test_a_program_with_callbacks_runs_until_sigterm(broker, link, connect):
    service = program(
        broker,
        link,
        """
        import fescue
        fescue.subscribe("t/in", lambda m: fescue.publish("t/out", m.payload.upper()))
        fescue.responder("req/up")(lambda m: m.payload.upper())
        fescue.publish("t/out", "ready")
        fescue.run()
        print("ended in order")
        """,
    )
    a = connect()
    out = a.subscribe("t/out")
    a.publish("t/in", "x")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        a.publish("t/in", "abc")
        message = out.get(0.2)
        if message is not None and message.text() == "ABC":
            break
    assert a.request("req/up", "abc").text() == "ABC"
    while not catches(service.pid, signal.SIGTERM):  # run() has been reached
        assert time.monotonic() < deadline
        time.sleep(0.01)
    service.terminate()
    stdout, stderr = service.communicate(timeout=10)
    assert (service.returncode, stdout, stderr) == (0, "ended in order\n", "")


def test_a_program_fails_when_its_token_is_no_longer_known(broker, link):
    service = program(
        broker,
        link,
        """
        import fescue, fescue._session
        fescue._session.TOKEN_PATIENCE = 0.2
        fescue.subscribe("t/in", print)
        fescue.run()
        """,
    )
    deadline = time.monotonic() + 10
    while not catches(service.pid, signal.SIGTERM):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    broker.do(revoke="app")
    stdout, stderr = service.communicate(timeout=10)
    assert (service.returncode, stdout) == (1, "")
    assert "fescue._errors.Unauthenticated" in stderr


def test_importing_is_cheap():
    code = "import sys, fescue; print(*[m for m in sys.argv[1:] if m in sys.modules])"
    heavy = (
        "asyncio collections ctypes dataclasses enum inspect json logging re socket threading traceback typing".split()
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", code, *heavy],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.split() == []


def test_names():
    assert set(fescue.__all__) <= set(dir(fescue))
    for name in fescue.__all__:
        assert getattr(fescue, name) is not None
    with pytest.raises(AttributeError):
        _ = fescue.no_such_name
