"""The real broker, sdk/conformance/broker, as tests drive it."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
CONFORMANCE = PACKAGE.parent / "conformance"

TOKEN = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


class Broker:
    """A broker in a process of its own; started again, it has the same addresses."""

    def __init__(self, program):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix="fx", dir="/tmp")  # a socket's path has 107 bytes at most
        self.grants = {}
        self.addresses = {}
        self.process = None
        self.grant("app", TOKEN, subscribe=["t/#", "req/#"], publish=["t/#", "req/#"])

    def grant(self, name, token, subscribe=(), publish=()):
        self.grants[name] = {"name": name, "token": token, "subscribe": list(subscribe), "publish": list(publish)}
        if self.process is not None:
            self.do(grant=self.grants[name])

    def start(self):
        options = {"dir": self.dir, "grants": list(self.grants.values())}
        if "tcp" in self.addresses:
            options["tcp"] = self.addresses["tcp"].removeprefix("tcp:")  # the same port again
        self.process = subprocess.Popen(
            [self.program, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        assert line, "the broker did not start"
        self.addresses = json.loads(line)

    def do(self, **command):
        """Gives a command, returns its answer."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def invoke(self, name, payload=b"", timeout=10_000, **attributes):
        event = {"name": name, "timeout": timeout, "attributes": [list(a) for a in attributes.items()]}
        answer = self.do(invoke={**event, "payload": base64.b64encode(payload).decode()})
        if "error" not in answer:
            return base64.b64decode(answer.get("result", ""))
        return answer

    def kill(self):
        self.process.kill()
        self._reap()

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            finally:
                self.process.kill()
                self._reap()

    def _reap(self):
        self.process.wait()
        self.process.stdout.close()
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        self.process = None


def build_broker(directory):
    """Builds the broker into a directory and returns its path; None if there is no Go here."""
    go = shutil.which("go")
    if go is None:
        return None
    program = directory / "broker"
    build = [go, "build", "-o", str(program), "./sdk/conformance/broker"]
    done = subprocess.run(build, cwd=PACKAGE.parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"building the broker:\n{done.stderr}"
    return str(program)
