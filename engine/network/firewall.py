"""Our one nftables table: made when it is missing, and changed by elements (see `engine.network.ruleset`).

Everything here is one transaction on a socket that stays open, which takes some 20 microseconds, so an event loop's
thread may call it. Closing the socket waits for what has been removed (nft_rcv_nl_event), for 5 to 20 ms.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from engine.network import loopback_way, nft, ruleset, transport
from engine.network.ruleset import GuardedNetwork, PortMapping

_ANSWER_SECONDS = 10.0
_REBUILD_ATTEMPTS = 20

# linux/netfilter/nf_tables.h
_TABLE_USERDATA = 6
_ELEMENTS, _ELEMENT, _ELEMENT_USERDATA = 3, 1, 6


class Contents(Struct, frozen=True, kw_only=True):
    """All that belongs into the table at one moment."""

    networks: tuple[GuardedNetwork, ...] = ()
    ports: tuple[PortMapping, ...] = ()


class Difference(NamedTuple):
    """A set of the table, or the table itself, and what is wrong with it."""

    place: str
    problem: str


class Firewall:
    """The table of one root.

    Args:
        table: its name, in the family inet.
        contents: what belongs into it now, asked for when it has to be made anew: every network that there is, and
            the published ports of the containers that live.
    """

    def __init__(self, table: str, contents: Callable[[], Contents]) -> None:
        self._table = table
        self._contents = contents
        self._opened: socket.socket | None = None

    def ensure(self, network: GuardedNetwork) -> None:
        """See to it that a network is masqueraded, isolated and guarded; one question to the kernel when it is.

        Call it before every start: a person or another program may have flushed the ruleset. When the table has
        gone, is of another edition or has the network otherwise, it is made anew with all that belongs into it.

        Raises:
            OSError: EPERM without CAP_NET_ADMIN, or the kernel lacks nf_tables or a part of it.
        """
        question = ruleset.ask_for_bridge(self._table, network.bridge)
        found = _comment_of_bridge(transport.ask(self._socket(), question))
        if found == ruleset.described(network):
            return
        table = transport.ask(self._socket(), nft.get_table(self._table))
        is_current = table is not None and _comment_of_table(table) == ruleset.stamp()
        if found is not None or not is_current or not self._added(network):
            self._rebuild(network)

    def forget(self, network: GuardedNetwork) -> None:
        """Take a network's elements away; nothing happens when they aren't there.

        Raises:
            OSError: as `ensure`.
        """
        self._commit_where_it_fits(ruleset.remove_network(self._table, network))

    def publish(self, mappings: Sequence[PortMapping]) -> None:
        """Add published ports; those that are there already stay.

        Whoever calls this has the ports of the host: an element that leads elsewhere is nobody's any more.

        Raises:
            OSError: as `ensure`; ENOENT without the table.
        """
        try:
            self._commit(ruleset.add_ports(self._table, mappings))
        except FileExistsError:
            for mapping in mappings:
                self._replace((mapping,))

    def withdraw(self, mappings: Sequence[PortMapping]) -> None:
        """Take published ports away; those that aren't there, or lead elsewhere by now, are passed over.

        Raises:
            OSError: as `ensure`.
        """
        if not self._commit_where_it_fits(ruleset.remove_ports(self._table, mappings)):
            for mapping in mappings:
                self._commit_where_it_fits(ruleset.remove_ports(self._table, (mapping,)))

    def withdrawal(self, mappings: Sequence[PortMapping]) -> list[bytes]:
        """The requests that `withdraw` sends, for somebody else to send them in a transaction."""
        return ruleset.remove_ports(self._table, mappings)

    def differences(self) -> list[Difference] | None:
        """What in the table isn't as it should be, by the names of its sets; None without a table.

        Raises:
            OSError: as `ensure`.
        """
        table = transport.ask(self._socket(), nft.get_table(self._table))
        if table is None:
            return None
        if _comment_of_table(table) != ruleset.stamp():
            return [Difference("table", "is of another edition, or was changed")]
        contents = self._contents()
        wanted = ruleset.elements(contents.networks, contents.ports)
        found: list[Difference] = []
        for name in ruleset.set_names():
            found += self._differences_of(name, wanted.get(name, frozenset()))
        return found

    def _differences_of(self, name: str, wanted: frozenset[bytes]) -> list[Difference]:
        try:
            messages = transport.dump(self._socket(), nft.list_elements(self._table, name))
        except FileNotFoundError:
            return [Difference(name, "has gone")]
        present = {element for message in messages for element in nft.elements_in(message.payload)}
        missing, unknown = len(wanted - present), len(present - wanted)
        words = ((missing, "lacks {}"), (unknown, "has {} too many"))
        return [Difference(name, text.format(_counted(count))) for count, text in words if count]

    def make_anew(self) -> None:
        """Replace the table by one with all that belongs into it.

        Raises:
            OSError: as `ensure`.
        """
        self._rebuild()

    def remove(self) -> None:
        """Remove the table with all that is in it; nothing happens when there is none.

        Raises:
            OSError: EPERM without CAP_NET_ADMIN.
        """
        self._commit(ruleset.remove_table(self._table))

    def close(self) -> None:
        """Close the socket; it is opened again when it is needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _added(self, network: GuardedNetwork) -> bool:
        """Add a network's elements; False when its subnets overlap with what should have been forgotten."""
        try:
            self._commit(ruleset.add_network(self._table, network))
        except FileExistsError:
            return False
        return True

    def _commit(self, requests: Iterable[bytes]) -> None:
        if wanted := list(requests):
            transport.send_transaction(self._socket(), nft.batch_begin(), wanted, nft.batch_end())

    def _commit_where_it_fits(self, requests: Iterable[bytes]) -> bool:
        """Commit; False when there is no table, or something else is in the place of an element."""
        try:
            self._commit(requests)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EEXIST):
                raise
            return False
        return True

    def _socket(self) -> socket.socket:
        if self._opened is None:
            self._opened = transport.open_socket(transport.NETLINK_NETFILTER)
            self._opened.settimeout(_ANSWER_SECONDS)
        return self._opened

    def _replace(self, mappings: Sequence[PortMapping]) -> None:
        try:
            self._commit(ruleset.add_ports(self._table, mappings))
        except FileExistsError:
            self._commit(ruleset.replace_ports(self._table, mappings))

    def _rebuild(self, *further: GuardedNetwork) -> None:
        """Replace the table, until others have changed nothing of what belongs into it meanwhile."""
        for _ in range(_REBUILD_ATTEMPTS):
            contents = self._contents()
            own = {network.bridge for network in further}
            networks = [other for other in contents.networks if other.bridge not in own]
            requests = ruleset.make_table(self._table)
            for each in (*networks, *further):
                requests += ruleset.add_network(self._table, each)
            self._commit(requests + ruleset.add_ports(self._table, contents.ports))
            _open_loopback((*networks, *further), contents.ports)
            if self._contents() == contents:
                return


def _open_loopback(networks: Iterable[GuardedNetwork], ports: Iterable[PortMapping]) -> None:
    """Have 127.0.0.1 lead to bridges again where it did before the table went, see `engine.network.flush_alarm`."""
    containers = {port.container_address for port in ports if ruleset.is_of_loopback(port.host_address)}
    for network in networks:
        if any(container in subnet for container in containers for subnet in network.subnets):
            with suppress(OSError):  # the bridge has gone, too; it is made anew with its network
                loopback_way.lead_ipv4(network.bridge)


def _counted(count: int) -> str:
    return "an element" if count == 1 else f"{count} elements"


def _comment_of_bridge(answer: memoryview | None) -> str | None:
    """The comment of the element in an answer to `ruleset.ask_for_bridge`."""
    if answer is None:
        return None
    value = memoryview(answer)
    for kind in (_ELEMENTS, _ELEMENT):
        offset = nft.GENERIC_BYTES if kind == _ELEMENTS else 0
        value = dict(transport.attributes(value, offset)).get(kind, memoryview(b""))
    return _comment(dict(transport.attributes(value, 0)).get(_ELEMENT_USERDATA))


def _comment_of_table(answer: memoryview) -> str:
    return _comment(dict(transport.attributes(answer, nft.GENERIC_BYTES)).get(_TABLE_USERDATA))


def _comment(userdata: memoryview | None) -> str:
    """What nft(8) shows as a comment: type 0, a length, and text that ends with a zero."""
    if userdata is None or len(userdata) < 2:
        return ""
    kind, length = struct.unpack_from("=BB", userdata)
    return bytes(userdata[2 : 2 + length]).rstrip(b"\0").decode(errors="replace") if kind == 0 else ""
