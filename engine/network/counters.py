"""Traffic counters of everything on a bridge: one netlink dump a tick, through a socket that stays open."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from msgspec import Struct

from engine.network import interface, links, transport
from engine.network.links import LinkStatistics


class InterfaceCounters(Struct, frozen=True, kw_only=True):
    """What went through a container's veth pair since it was made, seen from inside the container."""

    received_bytes: int = 0
    received_packets: int = 0
    received_errors: int = 0
    received_dropped: int = 0
    sent_bytes: int = 0
    sent_packets: int = 0
    sent_errors: int = 0
    sent_dropped: int = 0


class CounterReader:
    """Reads the counters of a bridge's ports in the network namespace that the opening thread is in.

    Args:
        bridge: the bridge device's name; it may come later, go, and come again.
    """

    def __init__(self, bridge: str) -> None:
        self._bridge = bridge
        self._socket = transport.open_socket()

    def read(self) -> dict[str, InterfaceCounters]:
        """Counters by name of the host's interface; empty without the bridge. Doesn't block.

        Raises:
            OSError: the kernel doesn't answer.
        """
        index = interface.index_of(self._bridge)
        if index is None:
            return {}
        return {link.name: _from_inside(link.statistics) for link in links.read(self._socket, index)}

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _from_inside(host: LinkStatistics) -> InterfaceCounters:
    """What the host's end sends is what the container receives."""
    return InterfaceCounters(
        received_bytes=host.tx_bytes,
        received_packets=host.tx_packets,
        received_errors=host.tx_errors,
        received_dropped=host.tx_dropped,
        sent_bytes=host.rx_bytes,
        sent_packets=host.rx_packets,
        sent_errors=host.rx_errors,
        sent_dropped=host.rx_dropped,
    )
