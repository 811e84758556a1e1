"""What takes a container's ports out of the firewall when it ends: bytes in a file, ready made for its shim.

No engine may be open then. The standard library and msgspec alone: shims import this.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.network import transport

if TYPE_CHECKING:
    from engine.network.conntrack import Flow

NAME = "withdrawal"

_PATIENCE_SECONDS = 10.0


class Forgotten(Struct, frozen=True):
    """Connections of UDP to be forgotten: those to these ports of the host's that lead to these addresses."""

    version: int
    ports: frozenset[int]
    container_addresses: frozenset[str]

    def matches(self, found: Flow) -> bool:
        """Whether a connection to one of the ports leads there."""
        return found.answering_address in self.container_addresses


class Withdrawal(Struct, frozen=True, kw_only=True):
    """A transaction of nf_tables, and the flows that outlive it.

    Attributes:
        begin, requests, end: for `engine.network.transport.send_transaction`.
        table: the one that they are of.
        local_bridge: the bridge that 127.0.0.1 leads to, see `engine.network.flush_alarm`; empty for none.
    """

    begin: bytes
    requests: tuple[bytes, ...]
    end: bytes
    flows: tuple[Forgotten, ...] = ()
    table: str = ""
    local_bridge: str = ""


def write(folder: str, withdrawal: Withdrawal) -> None:
    """Write the file in a container's run-time folder, which is made if it isn't there.

    It isn't replaced as a whole, which would cost milliseconds where the folder is on a disk: a shim makes nothing of
    one that is cut short, and an engine does its work.
    """
    os.makedirs(folder, 0o700, exist_ok=True)
    descriptor = os.open(f"{folder}/{NAME}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", buffering=0) as file:
        file.write(msgspec.msgpack.encode(withdrawal))


def read(folder: str) -> Withdrawal:
    """What the file says.

    Raises:
        OSError: there is none.
        msgspec.MsgspecError: it is cut short.
    """
    with open(f"{folder}/{NAME}", "rb", buffering=0) as file:
        return msgspec.msgpack.decode(file.read(), type=Withdrawal)


def discard(folder: str) -> None:
    """There is nothing to be done any more."""
    with suppress(FileNotFoundError):
        os.unlink(f"{folder}/{NAME}")


def is_due(folder: str) -> bool:
    """Whether the shim hasn't done it."""
    return os.path.exists(f"{folder}/{NAME}")


def perform(folder: str) -> None:
    """Do what the file says, and remove it; nothing happens without one. What can't be done is left for an engine."""
    with suppress(OSError, msgspec.MsgspecError):
        found = read(folder)
        sock = transport.open_socket(transport.NETLINK_NETFILTER)
        sock.settimeout(_PATIENCE_SECONDS)
        _left_open.append(sock)
        transport.send_transaction(sock, found.begin, found.requests, found.end)
        forget_flows(found.flows)
        os.unlink(f"{folder}/{NAME}")


def forget_flows(flows: Sequence[Forgotten]) -> None:
    """Have the flows of UDP forgotten that lead to an address which isn't published any more.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    if not flows:
        return
    from engine.network import conntrack

    for flow in flows:
        conntrack.forget("udp", flow.ports, flow.version, flow.matches)


_left_open: list[object] = []  # closing it waits for 5 to 20 ms; the end of the process doesn't keep anybody waiting
