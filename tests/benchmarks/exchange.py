"""What it costs to send bytes from one network namespace to another and take them there, by one thread.

The thread does the work of both ends and of all that lies between, so who is scheduled where doesn't matter.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.linux import namespaces

_BLOCK = bytes(128 << 10)
_BLOCKS = 100
_SERIES = 8  # of several the cheapest is told
_BITS = 8 * len(_BLOCK) * _BLOCKS


def processor_ms_per_gigabit(client: int, server: int, address: str) -> float:
    """Over one connection of TCP.

    Args:
        client: a descriptor of the network namespace that is sent from.
        server: of the one that the address is in.
    """
    with _connection(client, server, address) as (sender, receiver):
        _sent(sender, receiver)  # the windows open
        return min(_sent(sender, receiver) for _ in range(_SERIES)) * 1000 / (_BITS / 1e9)


@contextmanager
def _connection(client: int, server: int, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    with _socket(server) as listener, _socket(client) as sender:
        listener.bind((address, 0))
        listener.listen(1)
        sender.connect(listener.getsockname())
        receiver, _ = listener.accept()
        with receiver:
            yield sender, receiver


def _socket(home: int) -> socket.socket:
    with namespaces.entered(home, "net"):
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def _sent(sender: socket.socket, receiver: socket.socket) -> float:
    """Seconds of processor time for all blocks."""
    room = bytearray(len(_BLOCK))
    began = time.thread_time()
    for _ in range(_BLOCKS):
        sender.sendall(_BLOCK)
        missing = len(_BLOCK)
        while missing:
            missing -= receiver.recv_into(room, missing)
    return time.thread_time() - began
