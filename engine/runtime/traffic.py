"""What went through a container's network interface: two files of its host's end.

/proc/PID/net/dev would say the same, but whoever has that open keeps the network namespace, and with it the interface,
alive after the container's end.
"""

from __future__ import annotations

import os

UNKNOWN = float("nan")
_DIGITS = 24


class TrafficReader:
    """Reads the counters of one interface of the host's through descriptors that stay open.

    Args:
        host_interface: the veth end on the host; with none, and for one that sysfs doesn't show, nothing is known.
    """

    def __init__(self, host_interface: str) -> None:
        self._descriptors: list[int] = []
        if host_interface:
            folder = f"/sys/class/net/{host_interface}/statistics"
            try:
                for file in ("tx_bytes", "rx_bytes"):  # what the host's end sends the container receives
                    self._descriptors.append(os.open(f"{folder}/{file}", os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                self.close()

    def read(self) -> tuple[float, float]:
        """Bytes received and sent, as the container sees it, since it was made; NaN when it has gone."""
        try:
            received, sent = [int(os.pread(descriptor, _DIGITS, 0)) for descriptor in self._descriptors]
        except (OSError, ValueError):  # ENODEV, or none is open
            return UNKNOWN, UNKNOWN
        return received, sent

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
