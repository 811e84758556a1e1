"""The process that unpacks layers for an engine, each in a fork of its own.

It reads the archive from a pipe, and has the layer's folder as a descriptor. It ends when its engine has ended, and its
forks with it; they hold the content lock meanwhile, so that nobody sweeps away what they are still writing.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from engine.errors import BoxdeckError
from engine.images.limits import BoundedReader, Limits
from engine.images.streams import decompressed
from engine.images.unpack import unpack
from engine.images.unpack_messages import MESSAGE_BYTES, Done, Failed, Message, encode
from engine.linux import prctl, trace

_START_BYTES: Final = 64  # more than any magic number has
_RIGHTS: Final = 4


def main(arguments: Sequence[str]) -> None:
    """Take orders until the engine has gone: limits, with archive, folder, answers and lock as descriptors.

    Args:
        arguments: the descriptor of the socket that they come from.
    """
    orders = socket.socket(fileno=int(arguments[0]))
    prctl.set_name("boxdeck-unpack")
    gc.disable()  # a layer makes millions of things, none of which refer to each other
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for forks: they tell by themselves
    ourselves = os.getpid()
    while True:
        order, rights, _, _ = socket.recv_fds(orders, MESSAGE_BYTES, _RIGHTS)
        if not order:
            return
        begun = trace.now()
        if os.fork() == 0:
            orders.close()
            trace.calls.set([])
            trace.note(begun, "fork", ())
            _work(ourselves, msgspec.json.decode(order, type=Limits), *rights)
        for descriptor in rights:
            os.close(descriptor)


def _work(parent: int, limits: Limits, archive: int, folder: int, answers: int, _lock: int) -> NoReturn:
    """Unpack one layer, and end."""
    status = 1
    try:
        prctl.set_parent_death_signal(signal.SIGKILL)
        if os.getppid() == parent:
            with socket.socket(fileno=answers) as report:
                socket.send_fds(report, [b"\0"], [os.pidfd_open(os.getpid())])
                report.send(encode(_outcome(archive, folder, limits)))
            status = 0
    finally:
        os._exit(status)


def _outcome(archive: int, folder: int, limits: Limits) -> Message:
    source = _Source(archive)
    try:
        stream = BoundedReader(decompressed(source, limits), source.tell, limits)
        unpacked = unpack(stream, folder, limits=limits)
    except BoxdeckError as error:
        return Failed(type(error).__name__, error.cause, error.remedy, os.getpid(), trace.calls.get() or [])
    except Exception as error:
        cause = f"a layer can't be unpacked ({type(error).__name__}: {error})"
        return Failed("StoreError", cause, "try again", os.getpid(), trace.calls.get() or [])
    return Done(unpacked.diff_id, unpacked.size_bytes, os.getpid(), trace.calls.get() or [])


class _Source:
    """A pipe, whose beginning can be read twice."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._start = b""
        self._position = 0

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._position

    def seek(self, position: int, /) -> int:
        """Go back to the beginning."""
        self._position = position
        return position

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, as soon as there are any; empty at the end."""
        if self._position < len(self._start):
            data = self._start[self._position : self._position + size]
        else:
            data = os.read(self._descriptor, size)
            if self._position < _START_BYTES:
                self._start += data
        self._position += len(data)
        return data
