"""Notifications of the kernel: devices, addresses and routes that change (rtnetlink(7), netlink(7))."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

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

_ORIGIN = (_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID)
_ANCILLARY_BYTES = 64
_RECEIVE_BYTES = 65536
_QUIET_SECONDS = 0.005  # a container's start is a dozen messages: wait for the rest of them,
_LONGEST_SECONDS = 0.05  # but not for the end of a flood


EVERYWHERE = -1
HERE = -2

_NUMBER = struct.Struct("=i")


async def changes() -> AsyncIterator[frozenset[int]]:
    """Yield once after each burst of changes, seen from the network namespace of the calling thread.

    What is yielded says where: the kernel's numbers of other namespaces, `HERE`, and `EVERYWHERE` for who knows where.

    Those in other namespaces that the kernel has a number for in ours are heard as well (ip-netns(8), "nsid"): all that
    a veth pair leads to, and those that `engine.network.topology` has seen. A socket in each would keep them alive.

    The messages themselves aren't looked at: whoever wants to know more reads the topology. That also makes an
    overflow of the socket (ENOBUFS) harmless, which is a change `EVERYWHERE`.

    Raises:
        OSError: the kernel gives no such socket.
    """
    with transport.open_socket() as sock:
        sock.setsockopt(_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID, 1)
        sock.bind((0, _GROUPS))
        sock.setblocking(False)
        while True:
            await _readable(sock)
            yield frozenset(await _burst(sock))


async def _burst(sock: socket.socket) -> set[int]:
    """Where something changes until nothing more comes for a moment, or for as long as a person wouldn't notice."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LONGEST_SECONDS
    found = _drain(sock)
    with suppress(TimeoutError):
        while (left := deadline - loop.time()) > 0:
            async with asyncio.timeout(min(_QUIET_SECONDS, left)):
                await _readable(sock)
            found |= _drain(sock)
    return found


async def _readable(sock: socket.socket) -> None:
    """Wait for a message, and leave it where it is."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(sock, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(sock)


def _drain(sock: socket.socket) -> set[int]:
    """Take all messages that are there; returns where they are from."""
    found: set[int] = set()
    with suppress(BlockingIOError):
        while True:
            try:
                _, ancillary, _, _ = sock.recvmsg(_RECEIVE_BYTES, _ANCILLARY_BYTES)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                found.add(EVERYWHERE)
            else:
                numbers = [_NUMBER.unpack(data)[0] for level, kind, data in ancillary if (level, kind) == _ORIGIN]
                found |= set(numbers) or {HERE}
    return found
