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
_RTMGRP_IPV6_IFADDR = 0x100
_RTMGRP_IPV6_ROUTE = 0x400
_GROUPS = _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV4_ROUTE | _RTMGRP_IPV6_IFADDR | _RTMGRP_IPV6_ROUTE

# linux/netlink.h
_SOL_NETLINK = 270
_NETLINK_LISTEN_ALL_NSID = 8

_RECEIVE_BYTES = 65536
_QUIET_SECONDS = 0.01  # a container's start is a dozen messages: wait for the rest of them,
_LONGEST_SECONDS = 0.05  # but not for the end of a flood


async def changes() -> AsyncIterator[None]:
    """Yield once after each burst of changes in the network namespace of the calling thread.

    Those in other namespaces that the kernel has a number for in ours (netns ids: of all that a veth pair leads to) are
    heard as well, without keeping them alive, as a socket in each would.

    The messages themselves aren't looked at: whoever wants to know more reads the topology. That also makes an
    overflow of the socket (ENOBUFS) harmless.

    Raises:
        OSError: the kernel gives no such socket.
    """
    with transport.open_socket() as sock:
        sock.setsockopt(_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID, 1)
        sock.bind((0, _GROUPS))
        sock.setblocking(False)
        while True:
            await _message(sock)
            await _end_of_burst(sock)
            yield


async def _end_of_burst(sock: socket.socket) -> None:
    """Wait until nothing more comes for a moment, or for as long as a person wouldn't notice."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LONGEST_SECONDS
    with suppress(TimeoutError):
        while (left := deadline - loop.time()) > 0:
            _drain(sock)
            async with asyncio.timeout(min(_QUIET_SECONDS, left)):
                await _message(sock)
    _drain(sock)


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
