"""The SDK as a user gets it: two files, an installed library found by CMake or pkg-config, other standards and widths."""

import os
import shutil
import subprocess

import pytest
from conftest import C, COMPILERS, HERE, STRICT

PROGRAM = """
#include <fescue.h>
#include <stdio.h>
static char in[FESCUE_BUFFER(64)], out[FESCUE_BUFFER(64)];
int main(void) {
    fescue_client c;
    fescue_options o = {0};
    o.address = "unix:/no/such/socket";
    printf("%s\\n", fescue_status_name(fescue_connect(&c, in, sizeof in, out, sizeof out, &o)));
    return 0;
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(fescue 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user fescue::fescue)
"""


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def user(tmp_path):
    (tmp_path / "user.c").write_text(PROGRAM)
    return tmp_path


def test_two_files(user):
    run(C / "amalgamate.sh", user)
    assert "src/" not in (user / "fescue.c").read_text()
    run("cc", "-std=c99", *STRICT, "-I.", "-o", "user", "user.c", "fescue.c", cwd=user)
    assert run(user / "user") == "connection-lost\n"


@pytest.mark.parametrize("shared", ["OFF", "ON"])
def test_installed(user, shared):
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    prefix = user / "prefix"
    run("cmake", "-S", C, "-B", user / "sdk", f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DBUILD_SHARED_LIBS={shared}", "-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "--build", user / "sdk")
    run("cmake", "--install", user / "sdk")
    (user / "CMakeLists.txt").write_text(CMAKE)
    run("cmake", "-S", user, "-B", user / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", user / "build")
    assert run(user / "build" / "user") == "connection-lost\n"
    if shutil.which("pkg-config"):
        env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "fescue", env=env).split()
        run("cc", "-o", user / "by-pkg-config", user / "user.c", *flags, f"-Wl,-rpath,{prefix}/lib")
        assert run(user / "by-pkg-config") == "connection-lost\n"


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("standard", ["c99", "c11", "c17"])
@pytest.mark.parametrize("optimise", ["-O0", "-O2", "-Os"])
def test_compiles_without_a_word(tmp_path, compiler, standard, optimise):
    out = run(compiler, f"-std={standard}", *STRICT, optimise, "-c", C / "fescue.c", "-o", tmp_path / "fescue.o")
    assert out == ""


def test_the_codec_needs_no_library(tmp_path):
    run("cc", "-std=c99", *STRICT, "-Os", "-ffreestanding", "-DFESCUE_CODEC_ONLY", "-c", C / "fescue.c", "-o", tmp_path / "codec.o")
    wanted = {line.split()[-1] for line in run("nm", "-u", tmp_path / "codec.o").splitlines()}
    assert wanted <= {"memcpy", "memset", "memmove", "strchr", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def test_32_bits(tmp_path):
    """As a 32-bit program, where the compiler can."""
    machine = run("cc", "-dumpmachine").strip()
    headers = ["-idirafter", f"/usr/include/{machine}"]  # the kernel's, which are the same
    (tmp_path / "empty.c").write_text("#include <errno.h>\nint main(void) { return 0; }\n")
    probe = ["cc", "-m32", *headers, "-o", tmp_path / "empty", tmp_path / "empty.c"]
    if subprocess.run(list(map(str, probe)), capture_output=True, check=False).returncode != 0:
        pytest.skip("no 32-bit C library is installed")
    run("cc", "-m32", "-std=c99", *STRICT, *headers, "-I", C, "-o", tmp_path / "codec", HERE / "codec.c", C / "fescue.c")
    line = "broker 1200004d140000002a0000000000000000d66d799b0100003136\n"
    out = run(tmp_path / "codec", input=line)
    assert "sequence=42" in out
    assert "time=1767268800000" in out
