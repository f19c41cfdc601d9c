"""Every vector of the specification through the C codec: read, written anew byte for byte, or refused."""

import json
import pathlib
import subprocess

VECTORS = json.loads((pathlib.Path(__file__).resolve().parents[2] / "conformance" / "vectors.json").read_text())["vectors"]
MODULES = range(0x50, 0x5A)  # for devices behind a gateway: a client refuses them

# What the specification's fields are called in fescue_frame; by type where that differs.
TEXT = {
    "token": "first", "client": "second", "application": "first", "device": "second", "filter": "rest", "place": "first",
    "deadLetter": "second", "messageId": "first", "topic": "first", "key": "first", "text": "second", "errorType": "first",
    "message": "second", "stack": "rest",
}
NUMBERS = {
    "maxBody": "max_body", "granted": "refused", "patience": "timeout", "start": "choice", "verdict": "choice",
    "condition": "choice", "kind": "choice", "delay": "number", "limit": "number", "ttl": "number", "revision": "sequence",
    "from": "time", "attempt": "attempts", "version": "highest",
}
OTHER = {
    ("REGISTER", "topic"): "rest", ("STORE", "topic"): "second", ("GOODBYE", "text"): "first", ("LOG", "text"): "rest",
    ("FORGET", "place"): "rest", ("GET", "key"): "rest", ("DELETE", "key"): "rest",
}


def packed(attributes):
    return b"".join(len(t.encode()).to_bytes(2, "little") + t.encode() for pair in attributes for t in pair).hex()


def expected(fields):
    kind, want = fields["type"], {}
    for name, value in fields.items():
        if name in ("type", "codeName"):
            continue
        if name in ("payload", "value"):
            want["rest"] = value
        elif name == "attributes":
            want["attributes"], want["count"] = packed(value or []), str(len(value or []))
        elif isinstance(value, str):
            want[OTHER.get((kind, name), TEXT.get(name, name))] = value.encode().hex()
        else:
            want[NUMBERS.get(name, name)] = str(value)
    return want


def test_vectors(programs):
    text = "".join(f"{v['direction']} {v['hex']}\n" for v in VECTORS)
    done = subprocess.run([programs("codec")], input=text, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(VECTORS) > 100
    read = 0
    for v, line in zip(VECTORS, lines):
        if "fields" not in v or int(v["hex"][6:8], 16) in MODULES or v["name"] == "ok-of-a-removal":
            refused = {"too-large": "cut"}.get(v.get("error"), "skipped" if v.get("skipped") else "malformed")
            assert line.split()[0] == refused, v["name"]
            continue
        read += 1
        got = dict(pair.split("=") for pair in line.split())
        assert got["frame"] == v["hex"], v["name"]
        for name, value in expected(v["fields"]).items():
            assert got[name] == value, (v["name"], name)
    assert read > 70
