"""Ports of the host that are taken and not listened on: a socket is bound to each, so that nobody else's can be.

What is sent to a published port is led to the container before any socket of the host's is asked, so these hear
nothing. They are kept in the queue of a socket (a *hold*), whose holder needs one descriptor for as many as there are;
with the last copy of that descriptor all of them are given back (unix(7), SCM_RIGHTS).

The standard library alone: shims import this.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

Taken = tuple[str, int, str]  # address, port, protocol

_AT_ONCE = 100  # descriptors in one message; the kernel takes 253 (SCM_MAX_FD)
_KINDS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, 132),  # IPPROTO_SCTP
}
_NAMES = {number: name for name, (_, number) in _KINDS.items()}

# linux/socket.h, linux/filter.h: a program of one instruction, which returns 0: nothing is kept of any packet
_SO_ATTACH_FILTER = 26
_RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
_SO_PROTOCOL = 38


class InUse(Exception):
    """Somebody else has a port: its address, number and protocol."""

    def __init__(self, address: str, port: int, protocol: str) -> None:
        super().__init__(f"{address}:{port}/{protocol}")
        self.taken: Taken = (address, port, protocol)


def bind(address: str, port: int, protocol: str) -> socket.socket | None:
    """Take a port, 0 for any that is free; None where the kernel hasn't got the protocol, so that nobody can have it.

    Raises:
        InUse: somebody has it.
        OSError: EADDRNOTAVAIL for an address that the host hasn't got, EMFILE.
    """
    kind, number = _KINDS[protocol]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, kind | socket.SOCK_CLOEXEC, number)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT):
            return None
        raise
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == "udp":
            _hear_nothing(sock)
        _bind(sock, (address, port), protocol == "tcp")
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise InUse(address, port, protocol) from error
        raise
    return sock


def _bind(sock: socket.socket, place: tuple[str, int], lingers: bool) -> None:
    """Bind so that nobody can share the port, also where an ended server's connections linger on it (TIME_WAIT)."""
    try:
        sock.bind(place)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not lingers:
            raise
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


@contextmanager
def hold(sockets: Iterable[socket.socket]) -> Iterator[socket.socket]:
    """Put bound sockets into a hold; they are closed here, and the hold is when this ends: pass it on before.

    Raises:
        OSError: EMFILE, ETOOMANYREFS.
    """
    outer, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with inner:
        with outer:
            _fill(outer, sockets)
        yield inner


def without(held: socket.socket, released: Sequence[Taken]) -> socket.socket:
    """A hold with what is in another but for some ports, which are given back; the other one is closed.

    Raises:
        OSError: EMFILE.
    """
    unwanted = set(released)
    outer, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with held, outer:
        for batch in _batches(held):
            _fill(outer, (sock for sock in batch if _place(sock) not in unwanted))
            for sock in batch:
                sock.close()
    return inner


def _fill(outer: socket.socket, sockets: Iterable[socket.socket]) -> None:
    """A few at a time: a thousand ports don't need a thousand descriptors of ours."""
    batch: list[socket.socket] = []
    try:
        for sock in sockets:
            batch.append(sock)
            if len(batch) == _AT_ONCE:
                _put(outer, batch)
        _put(outer, batch)
    finally:
        for sock in batch:
            sock.close()


def _put(outer: socket.socket, batch: list[socket.socket]) -> None:
    if batch:
        socket.send_fds(outer, [b"."], [sock.fileno() for sock in batch])
    for sock in batch:
        sock.close()
    batch.clear()


def _batches(held: socket.socket) -> Iterator[list[socket.socket]]:
    while True:
        data, descriptors, _, _ = socket.recv_fds(held, 1, _AT_ONCE, socket.MSG_CMSG_CLOEXEC)
        if not data:
            return
        yield [socket.socket(fileno=descriptor) for descriptor in descriptors]


def _place(sock: socket.socket) -> Taken:
    address, port = sock.getsockname()[:2]
    return address, port, _NAMES[sock.getsockopt(socket.SOL_SOCKET, _SO_PROTOCOL)]


def _hear_nothing(sock: socket.socket) -> None:
    """What isn't led to a container, as from a neighbour who may not, fills no queue."""
    import ctypes

    program = ctypes.create_string_buffer(_RETURN_NOTHING)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


def is_local(address: str) -> bool:
    """Whether the host has an address (EADDRNOTAVAIL tells)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.bind((address, 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
    return True
