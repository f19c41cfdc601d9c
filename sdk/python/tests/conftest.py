"""The real broker as a fixture, built once for all tests; the package, from this tree."""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Broker, build_broker


@pytest.fixture(scope="session")
def broker_program(tmp_path_factory):
    program = build_broker(tmp_path_factory.mktemp("broker"))
    if program is None:
        pytest.skip("go is not installed: the real broker cannot be built")
    return program


@pytest.fixture
def broker(broker_program):
    b = Broker(broker_program)
    b.start()
    yield b
    b.stop()
    shutil.rmtree(b.dir)


@pytest.fixture(params=["unix", "mqueue"])
def link(request):
    if request.param == "mqueue" and not os.path.exists("/proc/sys/fs/mqueue"):
        pytest.skip("this kernel has no POSIX message queues")
    return request.param
