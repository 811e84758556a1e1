"""Hears when our table of the firewall goes, and closes the host's 127.0.0.0/8 to containers then.

Bridges have route_localnet where published ports lead from 127.0.0.1 to containers; that nothing comes back that way
is the table's work (CVE-2020-8558). Who flushes the ruleset, as Debian's nftables.service does when it is restarted,
takes that away, and no engine need be open. The next start makes the table anew, and opens the way again.

The standard library alone: shims import this.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from engine.network import nft, transport

_GROUP = 7  # NFNLGRP_NFTABLES, linux/netfilter/nfnetlink.h
_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP = 270, 1
_NEWGEN = 15  # linux/netfilter/nf_tables.h
_UNIMPORTANT = (nft.NEWSETELEM, nft.DELSETELEM, _NEWGEN)  # what each start and end of a container is told with
_SO_ATTACH_FILTER = 26
_LOAD_TYPE, _EQUALS, _RETURN = 0x28, 0x15, 0x06  # BPF_LDH | BPF_ABS, BPF_JEQ | BPF_K, BPF_RET | BPF_K


def listen() -> socket.socket:
    """A socket that can be read when others than containers have changed a ruleset.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    sock = socket.socket(socket.AF_NETLINK, flags, transport.NETLINK_NETFILTER)
    try:
        sock.bind((0, 0))  # the kernel tells nobody whose address is the same as its own, 0
        _leave_out(sock)
        sock.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _GROUP)
    except OSError:
        sock.close()
        raise
    return sock


def hear(sock: socket.socket, table: str, bridge: str) -> None:
    """Take what the socket has; if the table has gone, close the way to 127.0.0.0/8 by a bridge.

    Args:
        bridge: empty for none.
    """
    with suppress(OSError):  # BlockingIOError, or ENOBUFS when more was told than there was room for
        while sock.recv(65536):
            pass
    with suppress(OSError):
        if bridge and not _is_there(table):
            _switch(bridge, "0")
            if _is_there(table):  # somebody was at it, and has opened the way before we closed it
                _switch(bridge, "1")


def _is_there(table: str) -> bool:
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        return transport.ask(sock, nft.get_table(table)) is not None


def _switch(bridge: str, value: str) -> None:
    with open(f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet", "w", encoding="ascii") as switch:
        switch.write(value)


def _leave_out(sock: socket.socket) -> None:
    """Hear nothing that begins with what is unimportant (linux/filter.h); a flush begins with what it removes."""
    import ctypes

    types = [struct.unpack(">H", struct.pack("=H", nft.SUBSYSTEM << 8 | kind))[0] for kind in _UNIMPORTANT]
    program = [(_LOAD_TYPE, 0, 0, 4)]  # of struct nlmsghdr
    program += [(_EQUALS, len(types) - place, 0, kind) for place, kind in enumerate(types)]
    program += [(_RETURN, 0, 0, 0xFFFFFFFF), (_RETURN, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
