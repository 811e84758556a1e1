"""A connection to the shim: what is said on it is heard, also of those who leave at once."""

from __future__ import annotations

import socket

import pytest

from engine.runtime import protocol
from engine.runtime.client import Client
from engine.runtime.loop import Loop


@pytest.mark.parametrize("sends", [False, True])
def test_whoever_leaves_without_reading_is_heard_to_the_end(sends: bool) -> None:
    loop, heard = Loop(), list[bytes]()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client = Client(loop, ours, lambda _, frame: heard.append(frame), lambda _: loop.stop())
    client.send_message(protocol.Running(1))  # and is never read, so that the end is ECONNRESET
    for frame in (b"one", b"two"):
        theirs.send(frame)
    theirs.close()
    if sends:
        client.send_message(protocol.Done())  # EPIPE
    loop.run()
    assert heard == [b"one", b"two"]
    assert client.closed
