"""Network devices that are taken from one network namespace to another with their addresses (rtnetlink(7)).

config-linux.md, "netDevices": a device keeps its global addresses, is set up at its destination, and may get another
name there. Routes don't come along. What becomes of it when the namespace ends is the kernel's doing: physical devices
go back to the first network namespace, virtual ones vanish (network_namespaces(7)).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable, Mapping

from engine.errors import Conflict, InvalidRequest, NotFound, RuntimeFailure
from engine.linux import namespaces
from engine.network import interface, transport

# linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/if.h
_RTM_NEWLINK = 16
_RTM_NEWADDR = 20
_RTM_GETADDR = 22
_NLM_F_CREATE_EXCL = 0x600
_IFLA_IFNAME = 3
_IFLA_NET_NS_FD = 28
_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_IFA_BROADCAST = 4
_IFA_FLAGS = 8
_IFA_F_NODAD = 0x02
_IFA_F_PERMANENT = 0x80
_RT_SCOPE_UNIVERSE = 0
_IFF_UP = 1

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_IFADDR = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_LONGEST_NAME = 15  # IFNAMSIZ with its end

_Address = tuple[int, int, bytes]  # family, prefix length, attributes ready to be sent


def move_all(devices: Mapping[str, str], destination: int) -> None:
    """Take devices from our own network namespace to another: all of them, or none.

    Args:
        devices: names here, with the names there; empty for the same.
        destination: a descriptor of the network namespace.

    Raises:
        InvalidRequest: a name can't be a device's, or the namespace is our own.
        Conflict: a name is taken there.
        NotFound: there is no such device here.
        RuntimeFailure: with the kernel's reason.
    """
    wanted = {name: _checked(there or name) for name, there in devices.items()}
    if os.fstat(destination).st_ino == os.stat("/proc/thread-self/ns/net").st_ino:
        raise InvalidRequest(
            "linux.netDevices moves devices into the container's network namespace, and it has none of its own",
            'add {"type": "network"} to linux.namespaces',
        )
    _require_free(list(wanted.values()), destination)
    origin = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    moved: dict[str, str] = {}
    try:
        for name, there in wanted.items():
            move(name, there, destination)
            moved[name] = there
    except BaseException:
        _move_back(moved, destination, origin)
        raise
    finally:
        os.close(origin)


def move(name: str, there: str, destination: int) -> None:
    """Take one device from the calling thread's network namespace to another, and set it up there.

    Raises:
        NotFound: there is no such device.
        RuntimeFailure: with the kernel's reason.
    """
    index = interface.index_of(name)
    if index is None:
        raise NotFound(f"there is no network device {name}", "see what there is with: ip link")
    try:
        with transport.open_socket() as here:
            addresses = _addresses(here, index)
            transport.send_requests(here, [_send_away(index, there, destination)])
        with namespaces.entered(destination, "net"):
            _settle(there, addresses)
    except OSError as error:
        raise RuntimeFailure(f"the network device {name} can't be moved ({error})", "see it with: ip link") from error


def _require_free(names: list[str], destination: int) -> None:
    """The kernel moves a device first, and refuses its new name then."""
    with namespaces.entered(destination, "net"):
        for name in names:
            if names.count(name) > 1 or interface.index_of(name) is not None:
                raise Conflict(f"the container has a network device {name} already", "choose another name")


def _move_back(moved: Mapping[str, str], destination: int, origin: int) -> None:
    with contextlib.suppress(OSError), namespaces.entered(destination, "net"):
        for name, there in moved.items():
            with contextlib.suppress(NotFound, RuntimeFailure):
                move(there, name, origin)


def _settle(name: str, addresses: Iterable[_Address]) -> None:
    """Give a device that has just come its addresses back, and set it up."""
    with transport.open_socket() as sock:
        index = socket.if_nametoindex(name)
        requests = [_add_address(address, index) for address in addresses]
        transport.send_requests(sock, [*requests, _set_up(index)])


def _addresses(sock: socket.socket, index: int) -> list[_Address]:
    """A device's permanent addresses of global scope, of every family."""
    body = _IFADDR.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    request = _HEADER.pack(_HEADER.size + len(body), _RTM_GETADDR, 0, 0, 0) + body
    found = []
    for message in transport.dump(sock, request):
        family, length, flags, scope, of = _IFADDR.unpack_from(message.payload)
        if of == index and scope == _RT_SCOPE_UNIVERSE and flags & _IFA_F_PERMANENT:
            found.append((family, length, _kept(message.payload)))
    return found


def _kept(payload: memoryview) -> bytes:
    """What makes up an address; that its duplicates were looked for already is not asked again."""
    kinds = (_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST)
    attributes = transport.attributes(payload, _IFADDR.size)
    kept = b"".join(transport.attribute(kind, bytes(value)) for kind, value in attributes if kind in kinds)
    return kept + transport.attribute(_IFA_FLAGS, struct.pack("=I", _IFA_F_PERMANENT | _IFA_F_NODAD))


def _add_address(address: _Address, index: int) -> bytes:
    family, length, attributes = address
    return transport.request(_RTM_NEWADDR, _NLM_F_CREATE_EXCL, _IFADDR.pack(family, length, 0, 0, index) + attributes)


def _send_away(index: int, name: str, destination: int) -> bytes:
    attributes = transport.attribute(_IFLA_NET_NS_FD, struct.pack("=I", destination))
    attributes += transport.attribute(_IFLA_IFNAME, os.fsencode(name) + b"\0")
    return transport.request(_RTM_NEWLINK, 0, _IFINFO.pack(0, 0, index, 0, 0) + attributes)


def _set_up(index: int) -> bytes:
    return transport.request(_RTM_NEWLINK, 0, _IFINFO.pack(0, 0, index, _IFF_UP, _IFF_UP))


def _checked(name: str) -> str:
    """A name that the kernel takes (dev_valid_name)."""
    if not 0 < len(os.fsencode(name)) <= _LONGEST_NAME or name in (".", "..") or set(name) & set("/: \t\n"):
        raise InvalidRequest(f"{name!r} can't be the name of a network device", "give it 1 to 15 letters and digits")
    return name
