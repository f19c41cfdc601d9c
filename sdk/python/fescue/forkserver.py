"""Forks the workers of a function from an interpreter that has imported what all of them need.

The agent starts it in the application's sandbox as ``python -c "from fescue.forkserver import main; main()"``. It never
imports code of the application. Descriptor 3 is a SOCK_SEQPACKET socket: for each message, a number of four bytes
with the link, stdout and stderr of a worker, it forks one and answers with the number and the process id.

A worker is not its child but its parent's, who supervises it: a process in between, which ends at once, has forked
it. So the fork server may end, or be ended, without a worker's noticing.
"""

from __future__ import annotations

import gc
import json  # noqa: F401  # most events are JSON
import os
import sys
from _socket import CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, socket
from struct import Struct, unpack

from . import _worker

_REQUEST = Struct("<I")
_ANSWER = Struct("<Ii")
_SOCKET = 3


def main() -> None:
    """Serves until the socket ends."""
    os.set_inheritable(_SOCKET, False)
    _rename("fescue-fork")
    server = socket(fileno=_SOCKET)
    gc.collect()
    gc.freeze()  # what is here stays in pages that are shared
    while True:
        try:
            data, rights, _, _ = server.recvmsg(_REQUEST.size, CMSG_SPACE(12))
        except OSError:
            return
        if not data:
            return
        number, files = _REQUEST.unpack(data)[0], _descriptors(rights)
        try:
            between = os.fork()
        except OSError as e:
            server.send(_ANSWER.pack(number, -(e.errno or 11)))
        else:
            if between == 0 and _again(server, number):
                _become(server, files)
                _worker.main()
                return
            os.waitpid(between, 0)
        for fd in files:
            os.close(fd)


def _descriptors(rights: list[tuple[int, int, bytes]]) -> list[int]:
    """Those that came with a message."""
    files: list[int] = []
    for level, kind, data in rights:
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            files.extend(unpack(f"{len(data) // 4}i", data))
    return files


def _again(server: socket, number: int) -> bool:
    """In the process in between: forks the worker, tells of it and ends; True in the worker."""
    try:
        pid = os.fork()
    except OSError as e:
        pid = -(e.errno or 11)
    if pid == 0:
        return True
    try:
        server.send(_ANSWER.pack(number, pid))
    finally:
        os._exit(0)


def _become(server: socket, files: list[int]) -> None:
    """Makes the process what a freshly started worker is."""
    os.setsid()
    server.detach()
    link, out, err = files
    for fd, to in ((link, _SOCKET), (out, 1), (err, 2)):
        os.dup2(fd, to)
    for fd in files:
        if fd > _SOCKET:
            os.close(fd)
    _rename("fescue-worker")


def _rename(name: str) -> None:
    """The name that people see in a list of processes."""
    try:
        with open("/proc/self/comm", "w") as f:
            f.write(name)
    except OSError:
        pass  # it is for people alone
