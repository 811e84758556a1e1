"""Traffic counters of containers and of the machine: one netlink dump a tick, through a socket that stays open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

from msgspec import Struct

from engine.network import interface, links, transport
from engine.network.hardware import Hardware
from engine.network.links import LinkStatistics


class InterfaceCounters(Struct, frozen=True, kw_only=True, gc=False):
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
    """Reads the counters of all devices of the network namespace that the opening thread is in.

    Attributes:
        machine: what went through each of the machine's real devices, by index, as of the last reading.
    """

    def __init__(self) -> None:
        self.machine: Mapping[int, LinkStatistics] = {}
        self._socket = transport.open_socket()
        self._hardware = Hardware()
        self._indices: dict[str, int] = {}

    def read(self, names: Collection[str]) -> dict[str, InterfaceCounters]:
        """Counters by name of the host's interface; those that aren't there are left out. Doesn't block.

        Args:
            names: all host's interfaces whose counters are wanted.

        Raises:
            OSError: the kernel doesn't answer.
        """
        counted = links.statistics(self._socket)
        self.machine = {index: counted[index] for index in self._hardware.among(counted.keys())}
        # A device that is made anew has another index (dev_new_index): a name is asked for again when its one has gone.
        known = self._indices
        self._indices = {
            name: index
            for name in names
            if (index := known.get(name, 0)) in counted or (index := interface.index_of(name) or 0) in counted
        }
        return {name: _from_inside(counted[index]) for name, index in self._indices.items()}

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
