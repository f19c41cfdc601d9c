"""The server and the client as they are deployed, through the real broker, over message queues."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SDK = HERE.parent.parent / "sdk" / "python"
sys.path[:0] = [str(SDK), str(SDK / "tests")]

import fescue  # noqa: E402
from harness import OTHER, TOKEN, Broker, build_broker  # noqa: E402

WATCHER = "ab" * 32


@pytest.fixture(params=["unix", "mqueue"])
def example(request, tmp_path):
    program = build_broker(tmp_path)
    if program is None:
        pytest.skip("go is not installed: the real broker cannot be built")
    broker = Broker(program)
    broker.grant("roots-server", TOKEN, subscribe=["poly/request"], publish=["poly/roots"])
    broker.grant("roots-client", OTHER, subscribe=["poly/roots"], publish=["poly/request"])
    broker.grant("watcher", WATCHER, subscribe=["poly/#"], publish=["poly/request"])
    broker.grants.pop("app")
    broker.start()
    started = []

    def start(script, token):
        env = {**os.environ, "PYTHONPATH": str(SDK), "FESCUE_EXCHANGE": broker.addresses[request.param]}
        program = [sys.executable, script]
        started.append(
            subprocess.Popen(program, cwd=HERE, env={**env, "FESCUE_TOKEN": token}, stdout=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield broker.addresses[request.param], start
    for s in started:
        s.kill()
        s.communicate()
    broker.stop()
    shutil.rmtree(broker.dir)


def test_the_client_prints_roots(example):
    _, start = example
    server = start("server.py", TOKEN)
    assert server.stdout.readline() == "computing roots on testdevice\n"
    client = start("client.py", OTHER)
    lines = [client.stdout.readline() for _ in range(2)]
    # The first request may come before the server has subscribed.
    assert lines[0] in ("roots of [1, -3, 2]: 1, 2\n", "roots of [1, -3, 2]: no answer yet\n")
    assert lines[1] == "roots of [1, 0, 1]: -1i, 1i\n"


def test_the_server_answers_whatever_comes(example):
    address, start = example
    start("server.py", TOKEN).stdout.readline()
    with fescue.connect(address, WATCHER) as client:
        answers = client.subscribe("poly/roots")
        while answers.get(0.1) is None:  # until the server has subscribed
            client.publish("poly/request", "anyone there?")
        client.drain()
        while answers.get(0.3) is not None:
            pass
        for request in [b"\xff", b"", b"[]", b'{"id": 3, "coefficients": [0]}', "x" * 100_000]:
            client.publish("poly/request", request)
            assert "error" in answers.get(5).json()
        client.publish("poly/request", {"id": 4, "coefficients": [1, 0, -4]})
        assert answers.get(5).json() == {"id": 4, "roots": [[-2.0, 0.0], [2.0, 0.0]]}
