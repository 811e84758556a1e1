"""One look at all network namespaces: their devices, and which end belongs to which."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress

from msgspec import Struct

from engine.linux import namespaces
from engine.model import LinkEnd, NetworkRoute
from engine.network import transport
from engine.network.topology import devices
from engine.network.topology.devices import RawDevice
from engine.network.topology.places import Place

# linux/net_namespace.h, linux/rtnetlink.h
_RTM_NEWNSID, _RTM_GETNSID = 88, 90
_NETNSA_NSID, _NETNSA_FD = 1, 3
_GENERIC = bytes(4)  # struct rtgenmsg, padded
_ID = struct.Struct("=i")


class Surveyed(Struct, frozen=True, kw_only=True):
    """A namespace as it was found.

    Attributes:
        numbers: inodes of the namespaces that devices here lead to, by the kernel's numbers for them here.
        problem: why it couldn't be read.
    """

    place: Place
    devices: Sequence[RawDevice] = ()
    addresses: Mapping[int, tuple[str, ...]] = {}
    routes: tuple[NetworkRoute, ...] = ()
    numbers: Mapping[int, int] = {}
    problem: str = ""

    def end_of(self, device: RawDevice) -> LinkEnd | None:
        """What a device leads to, or goes through; None where that is nobody's who can be seen."""
        if not device.link:
            return None
        if device.link_namespace is None:
            return LinkEnd(namespace=self.place.inode, index=device.link)
        inode = self.numbers.get(device.link_namespace)
        return LinkEnd(namespace=inode, index=device.link) if inode is not None else None

    @property
    def unmatched(self) -> list[int]:
        """The indices of devices that lead to namespaces that weren't found."""
        return [each.index for each in self.devices if each.link and self.end_of(each) is None]


class Numbering(Struct, frozen=True, kw_only=True):
    """How the host's namespace numbers others.

    Attributes:
        known: inodes by their numbers, from an earlier look.
        is_complete: see to it that every namespace has a number, as the kernel does itself for those that a pair leads
            to: changes are told of those only.
    """

    known: Mapping[int, int] = {}
    is_complete: bool = False


def survey(home: int, places: Iterable[Place], numbering: Numbering | None = None) -> list[Surveyed]:
    """Look into each namespace; the calling thread is in the one of `home` afterwards.

    Every descriptor is closed before this returns, so that a namespace lives hardly longer than its last process.

    Args:
        home: a descriptor of the network namespace that counts as the host's; it comes first.

    Raises:
        OSError: that one can't be read; others say their problem.
    """
    inode = os.fstat(home).st_ino
    with ExitStack() as stack:
        opened: dict[int, tuple[Place, int]] = {}
        for place in sorted(places, key=lambda each: (each.inode != inode, each.inode)):
            descriptor = os.dup(home) if place.inode == inode else place.open()
            if descriptor is not None:
                stack.callback(os.close, descriptor)
                opened[place.inode] = place, descriptor
        stack.callback(namespaces.setns, home, namespaces.CLONE_NEWNET)
        every = {number: descriptor for number, (_, descriptor) in opened.items()}
        return [
            _surveyed(place, descriptor, every, (numbering or Numbering()) if place.inode == inode else None)
            for place, descriptor in opened.values()
        ]


def _surveyed(place: Place, descriptor: int, every: Mapping[int, int], numbering: Numbering | None) -> Surveyed:
    """One; `numbering` is None for all but the first, which is the host's."""
    try:
        namespaces.setns(descriptor, namespaces.CLONE_NEWNET)
        with transport.open_socket() as sock:
            found = devices.devices(sock)
            return Surveyed(
                place=place,
                devices=found,
                addresses=devices.addresses(sock),
                routes=devices.routes(sock),
                numbers=_numbers(sock, found, every)
                if numbering is None
                else _numbers_at_home(sock, found, {i: d for i, d in every.items() if i != place.inode}, numbering),
            )
    except OSError as error:
        if numbering is not None:
            raise
        return Surveyed(place=place, problem=error.strerror or str(error))


def _numbers_at_home(
    sock: socket.socket, devices: Iterable[RawDevice], every: Mapping[int, int], numbering: Numbering
) -> dict[int, int]:
    """As `_numbers`, and all of them if that is wished for."""
    if not numbering.is_complete:
        return _numbers(sock, devices, every)
    found = dict(numbering.known)
    for inode in every.keys() - set(found.values()):
        number = _number_of(sock, every[inode])
        if number < 0:
            with suppress(OSError):  # without the privilege, changes there are seen at the next look
                transport.send_requests(sock, [_request(_RTM_NEWNSID, every[inode], -1)])
                number = _number_of(sock, every[inode])
        found[number] = inode
    return found


def _numbers(sock: socket.socket, devices: Iterable[RawDevice], every: Mapping[int, int]) -> dict[int, int]:
    """Which namespace each number means here: the kernel tells a descriptor's number, and not the other way round."""
    wanted = {each.link_namespace for each in devices if each.link_namespace is not None}
    found: dict[int, int] = {}
    for inode, descriptor in every.items():
        if wanted <= found.keys():
            break
        if (number := _number_of(sock, descriptor)) in wanted:
            found[number] = inode
    return found


def _number_of(sock: socket.socket, descriptor: int) -> int:
    """The number of a namespace in that of the socket; -1 when it has none (RTM_GETNSID)."""
    answer = transport.ask(sock, _request(_RTM_GETNSID, descriptor))
    parts = dict(transport.attributes(answer or memoryview(b""), len(_GENERIC)))
    return int(_ID.unpack(parts[_NETNSA_NSID])[0]) if _NETNSA_NSID in parts else -1


def _request(kind: int, descriptor: int, number: int | None = None) -> bytes:
    """About the number of a namespace; -1 for any that is free."""
    chosen = transport.attribute(_NETNSA_NSID, _ID.pack(number)) if number is not None else b""
    return transport.request(kind, 0, _GENERIC + chosen + transport.attribute(_NETNSA_FD, _ID.pack(descriptor)))
