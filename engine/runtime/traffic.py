"""What went through a container's network interfaces: two files of each one's end on the host.

/proc/PID/net/dev would say the same, but whoever has that open keeps the network namespace, and with it the interfaces,
alive after the container's end.
"""

from __future__ import annotations

import os
from collections.abc import Collection

Interfaces = tuple[str, ...]
"""Names of veth ends on the host."""

UNKNOWN = float("nan")
_DEVICES = "/sys/class/net"
_DIGITS = 24


def interfaces() -> dict[str, Interfaces]:
    """All devices of the host's by what is before the dash in their names: those of one container are together."""
    try:
        found = os.listdir(_DEVICES)
    except OSError:
        return {}
    together: dict[str, Interfaces] = {}
    for name in sorted(found):
        base = name.partition("-")[0]
        together[base] = (*together.get(base, ()), name)
    return together


class TrafficReader:
    """Adds up what went through one container's interfaces, which may come and go; descriptors stay open."""

    def __init__(self) -> None:
        self._open: dict[str, _Counters] = {}
        self._received = self._sent = 0

    def read(self, interfaces: Collection[str]) -> tuple[float, float]:
        """Bytes received and sent, as the container sees it, by all interfaces that it has had: only ever more.

        Args:
            interfaces: the host's ends of those that it has now; with none, nothing is known: NaN.
        """
        for name in self._open.keys() - interfaces:
            self._open.pop(name).close()
        for name in interfaces:
            self._add(name)
        return (self._received, self._sent) if self._open else (UNKNOWN, UNKNOWN)

    def _add(self, name: str) -> None:
        """Add what is new; one that was made anew under its old name counts from 0 again."""
        try:
            if name not in self._open:
                self._open[name] = _Counters(name)
            received, sent = self._open[name].growth()
        except (OSError, ValueError):  # it has gone: ENODEV for an open file
            if name in self._open:
                self._open.pop(name).close()
            return
        self._received, self._sent = self._received + received, self._sent + sent

    def close(self) -> None:
        """Close the descriptors."""
        for counters in self._open.values():
            counters.close()
        self._open.clear()


class _Counters:
    """The two files of one interface.

    Raises:
        OSError: there is no such interface.
    """

    def __init__(self, name: str) -> None:
        self._files: list[int] = []
        self._last = [0, 0]
        try:
            for file in ("tx_bytes", "rx_bytes"):  # what the host's end sends the container receives
                self._files.append(os.open(f"{_DEVICES}/{name}/statistics/{file}", os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def growth(self) -> tuple[int, int]:
        """Bytes received and sent since the last time, or since the interface was made.

        Raises:
            OSError: ENODEV, it has gone.
        """
        before, self._last = self._last, [int(os.pread(file, _DIGITS, 0)) for file in self._files]
        return self._last[0] - before[0], self._last[1] - before[1]

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files.clear()
