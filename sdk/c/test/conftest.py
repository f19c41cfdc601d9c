"""Builds the C programs of these tests, with the sanitizers, once."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
C = HERE.parent
SDK = C.parent
sys.path[:0] = [str(SDK / "python"), str(SDK / "python" / "tests")]

from harness import Broker, build_broker  # noqa: E402

STRICT = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Wcast-align -Werror".split()
SANITIZE = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all".split()
COMPILERS = [c for c in ("gcc", "clang") if shutil.which(c)]


def compile_c(compiler, output, *sources, flags=()):
    """Compiles sources with the SDK; the compiler must have nothing to say."""
    command = [compiler, "-std=c99", *STRICT, *flags, "-I", str(C), "-o", str(output), *map(str, sources), str(C / "fescue.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return str(output)


@pytest.fixture(scope="session", params=COMPILERS)
def programs(request, tmp_path_factory):
    """A function that builds a program of this folder."""
    folder = tmp_path_factory.mktemp(request.param)
    made = {}

    def program(name, *flags):
        if name not in made:
            made[name] = compile_c(request.param, folder / name, HERE / f"{name}.c", flags=[*SANITIZE, *flags])
        return made[name]

    return program


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


def environment(**further):
    return {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", **further}
