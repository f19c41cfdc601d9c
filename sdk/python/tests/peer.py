"""A broker that does as a test says, frame by frame, for what the real one never does."""

import os
import shutil
import socket
import struct
import tempfile

from fescue import _wire as wire


class Peer:
    """Listens; each accepted connection is a :class:`Talk`."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="fp", dir="/tmp")
        self.path = os.path.join(self.dir, "s")
        self.address = "unix:" + self.path
        self.listen()

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.bind(self.path)
        self.socket.listen()

    def accept(self, greet=True):
        talk = Talk(self.socket.accept()[0])
        if greet:
            talk.expect(wire.HELLO)
            talk.send(welcome())
        return talk

    def unlisten(self):
        self.socket.close()
        os.unlink(self.path)

    def close(self):
        self.socket.close()
        shutil.rmtree(self.dir)


class Talk:
    """One connection, from the broker's side."""

    def __init__(self, s):
        self.socket = s
        s.settimeout(10)
        self._bytes = b""

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def next(self):
        """Type, id and body of the next frame; None at the end."""
        while True:
            if len(self._bytes) >= 8:
                word, ident = struct.unpack_from("<II", self._bytes)
                end = 8 + (word & 0xFFFFFF)
                if len(self._bytes) >= end:
                    body, self._bytes = self._bytes[8:end], self._bytes[end:]
                    return word >> 24, ident, body
            chunk = self.socket.recv(65536)
            if not chunk:
                return None
            self._bytes += chunk

    def expect(self, kind):
        """Id and body of the next frame, which must be of this type."""
        frame = self.next()
        assert frame is not None, f"the client closed, 0x{kind:02x} was expected"
        assert frame[0] == kind, f"got {frame}, expected type 0x{kind:02x}"
        return frame[1:]

    def grant(self, kind):
        """Takes a frame and answers OK."""
        ident, body = self.expect(kind)
        self.send(wire.frame(wire.OK, ident, bytes((kind,))))
        return ident, body

    def close(self):
        self.socket.close()


def welcome(max_body=1 << 20, capabilities=7, version=1):
    name = b"\x03\x00app"
    return wire.frame(wire.WELCOME, 0, struct.pack("<BxHI", version, capabilities, max_body) + name + name)


def message(ident, topic, payload):
    return wire.frame(wire.MESSAGE, ident, struct.pack("<H", len(topic)) + topic + payload)


def invocation(ident, payload=b"", timeout=3000, **attributes):
    packed = b"".join(
        struct.pack("<H", len(t)) + t for pair in attributes.items() for t in (pair[0].encode(), pair[1].encode())
    )
    return wire.frame(wire.INVOKE, ident, struct.pack("<IB", timeout, len(attributes)) + packed + payload)
