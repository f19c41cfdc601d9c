"""The C++ SDK as a user gets it, and a function in C++; what a client does the conformance run tests."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CPP = HERE.parent
SDK = CPP.parent
sys.path[:0] = [str(SDK / "python"), str(SDK / "python" / "tests")]

from harness import Broker, build_broker  # noqa: E402

STRICT = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror".split()
SANITIZE = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all".split()
COMPILERS = [pair for pair in (("gcc", "g++"), ("clang", "clang++")) if shutil.which(pair[1])]
FUNCTION = """
#include <fescue.hpp>
int main() {
    return fescue::serve([](fescue::Client& client, const fescue::Message& event) {
        if (event.payload() == "throw") throw std::invalid_argument("as it was told to");
        if (event.payload() == "publish") client.publish("secret/x", "x");
        client.publish("t/out", event.topic());
        return std::string(event.payload().rbegin(), event.payload().rend());
    });
}
"""
PROGRAM = """
#include <fescue.hpp>
#include <iostream>
int main() {
    fescue::Options o;
    o.address = "unix:/no/such/socket";
    try {
        fescue::Client client(o);
    } catch (const fescue::ConnectionLost& e) {
        std::cout << e.name() << std::endl;
    }
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(user CXX)
find_package(fescue-cpp 0.1 REQUIRED)
add_executable(user user.cpp)
target_link_libraries(user fescue::fescue-cpp)
"""


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("compilers", COMPILERS, ids=lambda pair: pair[1])
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_a_function(tmp_path, compilers, standard):
    cc, cxx = compilers
    (tmp_path / "function.cpp").write_text(FUNCTION)
    run(cc, "-std=c99", *SANITIZE, "-c", SDK / "c" / "fescue.c", "-o", tmp_path / "fescue.o")
    said = run(cxx, f"-std={standard}", *STRICT, *SANITIZE, "-I", SDK / "c", "-I", CPP, "-o", tmp_path / "function", tmp_path / "function.cpp", tmp_path / "fescue.o")
    assert said == ""
    program = build_broker(tmp_path)
    if program is None:
        pytest.skip("go is not installed: the real broker cannot be built")
    broker = Broker(program)
    try:
        broker.start()
        broker.grant("fun", "", publish=["t/#"])
        assert broker.do(worker={"name": "fun", "argv": [str(tmp_path / "function")], "dir": "/", "env": []}) == {}
        assert broker.invoke("fun", b"abc", subject="t/in") == b"cba"
        failure = broker.invoke("fun", b"throw")
        assert "invalid_argument" in failure["type"]
        assert failure["error"] == "as it was told to"
        assert broker.invoke("fun", b"publish")["type"] == "denied"
        assert broker.do(stop="fun")["status"] == 0
    finally:
        broker.stop()
        shutil.rmtree(broker.dir)


def test_installed(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    prefix = tmp_path / "prefix"
    run("cmake", "-S", CPP, "-B", tmp_path / "sdk", f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "--build", tmp_path / "sdk")
    run("cmake", "--install", tmp_path / "sdk")
    (tmp_path / "user.cpp").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "user") == "connection-lost\n"
    if shutil.which("pkg-config"):
        env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "fescue-cpp", env=env).split()
        run("c++", "-std=c++17", "-o", tmp_path / "by-pkg-config", tmp_path / "user.cpp", *flags)
        assert run(tmp_path / "by-pkg-config") == "connection-lost\n"
