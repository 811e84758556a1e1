"""Notifications of the kernel: devices, addresses and routes that change (rtnetlink(7))."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from engine.network import transport

# linux/rtnetlink.h, legacy group bits for bind(2)
_RTMGRP_LINK = 0x1
_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV4_ROUTE = 0x40

_RECEIVE_BYTES = 65536
_SETTLE_SECONDS = 0.05  # a container's start is a dozen messages: wait for the rest of them


async def changes() -> AsyncIterator[None]:
    """Yield once after each burst of changes in the network namespace of the calling thread.

    The messages themselves aren't looked at: whoever wants to know more reads the topology. That also makes an
    overflow of the socket (ENOBUFS) harmless.

    Raises:
        OSError: the kernel gives no such socket.
    """
    with transport.open_socket() as sock:
        sock.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV4_ROUTE))
        sock.setblocking(False)
        while True:
            await _message(sock)
            await asyncio.sleep(_SETTLE_SECONDS)
            _drain(sock)
            yield


async def _message(sock: socket.socket) -> None:
    with _overflow_ignored():
        await asyncio.get_running_loop().sock_recv(sock, _RECEIVE_BYTES)


def _drain(sock: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            with _overflow_ignored():
                sock.recv(_RECEIVE_BYTES)


@contextmanager
def _overflow_ignored() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
