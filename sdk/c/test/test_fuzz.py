"""A short run of the fuzzers; `make fuzz` runs them for longer."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import C, HERE, compile_c

VECTORS = json.loads((C.parent / "conformance" / "vectors.json").read_text())["vectors"]
SECONDS = os.environ.get("FUZZTIME", "5").rstrip("s")


def fuzzer(tmp_path, name):
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    flags = ["-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
    return compile_c("clang", tmp_path / name, HERE / f"{name}.c", flags=flags)


def corpus(tmp_path, session):
    folder = tmp_path / "corpus"
    folder.mkdir()
    welcome = next(bytes.fromhex(v["hex"]) for v in VECTORS if v["name"] == "welcome")
    for v in VECTORS:
        (folder / v["name"]).write_bytes((welcome if session else b"") + bytes.fromhex(v["hex"]))
    valid = [bytes.fromhex(v["hex"]) for v in VECTORS if v["direction"] == "broker" and "fields" in v and v["name"] != "welcome"]
    (folder / "all").write_bytes(welcome + b"".join(valid))
    return str(folder)


@pytest.mark.parametrize("name", ["fuzz_codec", "fuzz_client"])
def test_fuzz(tmp_path, name):
    program = fuzzer(tmp_path, name)
    command = [program, f"-max_total_time={SECONDS}", "-max_len=8192", "-timeout=20", corpus(tmp_path, name == "fuzz_client")]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
