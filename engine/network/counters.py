"""Traffic counters of containers and of the machine, by netlink through a socket that stays open.

A few devices are asked for by themselves, in one message a tick. For many a dump of all is cheaper, and it tells which
devices have come.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

from engine.model.topology import LinkCounters
from engine.network import interface, links, transport
from engine.network.hardware import Hardware
from engine.network.links import FewStatisticsReader, LinkStatistics

_ASK_SECONDS = 10.0
_FEW = 16  # devices; an answer to each costs about as much as three in a dump
_ALL_SECONDS = 4.5  # after which all are looked at again: a real device may have been plugged in


class CounterReader:
    """Reads the counters of all devices of the network namespace that the opening thread is in.

    Attributes:
        machine: what went through each of the machine's real devices, by index, as of the last reading.
    """

    def __init__(self) -> None:
        self.machine: Mapping[int, LinkStatistics] = {}
        self._socket = transport.open_socket()
        self._statistics = links.StatisticsReader(self._socket)
        self._hardware = Hardware()
        self._indices: dict[str, int] = {}
        self._real: frozenset[int] = frozenset()
        self._asked: set[int] = set()  # devices that the few are made of
        self._few: FewStatisticsReader | None = None
        self._all_at = 0.0
        self._known: tuple[str, ...] | None = None  # the names asked for, where there is a device of each
        self._packed: dict[str, bytes] = {}
        self._inside: dict[str, LinkCounters] = {}
        self._packed_real: dict[int, bytes] = {}
        self._devices: frozenset[int] = frozenset()
        self._absent: set[str] = set()
        self._ask_at = 0.0

    def read(self, names: Collection[str]) -> dict[str, LinkCounters]:
        """Counters by name of the host's interface; those that aren't there are left out. Doesn't block.

        As long as nothing is counted at any of them it is the very same object.

        Args:
            names: all host's interfaces whose counters are wanted.

        Raises:
            OSError: the kernel doesn't answer.
        """
        wanted = tuple(names)
        counted = self._of_few(wanted)
        if counted is None:
            counted = self._of_all(wanted)
        real = {index: counted[index] for index in self._real}
        if real != self._packed_real:
            self._packed_real = real
            self.machine = {index: links.statistics(each) for index, each in real.items()}
        packed = {name: counted[index] for name, index in self._indices.items()}
        if packed != self._packed:
            self._inside = {name: self._turned(name, each) for name, each in packed.items()}
            self._packed = packed
        return self._inside

    def _turned(self, name: str, packed: bytes) -> LinkCounters:
        """A device's counters, as the container has them; those of before where they are the same."""
        return self._inside[name] if packed == self._packed.get(name) else _from_inside(links.statistics(packed))

    def _of_few(self, names: tuple[str, ...]) -> dict[int, bytes] | None:
        """Counters by index of the devices of the last reading; None unless they are all there is to know."""
        if self._few is None or names != self._known or time.monotonic() >= self._all_at:
            return None
        counted = self._few.read()
        return counted if len(counted) == len(self._asked) else None

    def _of_all(self, names: tuple[str, ...]) -> dict[int, bytes]:
        """Counters by index of all devices, and who is who among them."""
        counted = self._statistics.read()
        self._real = self._hardware.among(counted.keys())
        # A device that is made anew has another index (dev_new_index): a name is asked for again when its one has gone.
        indices = {name: index for name in names if (index := self._indices.get(name, 0)) in counted}
        if len(indices) < len(names):
            indices |= self._looked_up([name for name in names if name not in indices], counted)
        self._indices = indices
        self._known = names if len(indices) == len(set(names)) else None
        self._choose({*indices.values(), *self._real})
        return counted

    def _choose(self, asked: set[int]) -> None:
        """How to ask until all are looked at again."""
        self._all_at = time.monotonic() + _ALL_SECONDS
        if asked != self._asked:
            self._asked = asked
            self._few = FewStatisticsReader(self._socket, asked) if len(asked) <= _FEW else None

    def _looked_up(self, names: Collection[str], counted: Collection[int]) -> dict[str, int]:
        """Indices by name; what isn't there is asked for again when devices have come or gone, and after a while.

        Not each time: whenever it doesn't know a name the kernel has modprobe run (net/core/dev_ioctl.c, dev_load).
        """
        now, devices = time.monotonic(), frozenset(counted)
        if devices != self._devices or now >= self._ask_at:
            self._devices, self._ask_at, self._absent = devices, now + _ASK_SECONDS, set()
        asked = [name for name in names if name not in self._absent]
        found = {name: index for name in asked if (index := interface.index_of(name) or 0) in counted}
        self._absent.update(name for name in asked if name not in found)
        return found

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _from_inside(host: LinkStatistics) -> LinkCounters:
    """As the container has it: what the host's end sends is what the container receives."""
    return LinkCounters(
        received_bytes=host.tx_bytes,
        received_packets=host.tx_packets,
        received_errors=host.tx_errors,
        received_dropped=host.tx_dropped,
        sent_bytes=host.rx_bytes,
        sent_packets=host.rx_packets,
        sent_errors=host.rx_errors,
        sent_dropped=host.rx_dropped,
    )
