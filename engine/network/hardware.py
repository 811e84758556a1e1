"""Which network devices are the machine's own way out, and not what software has put on top of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Set as AbstractSet

_FOLDER = "/sys/class/net"
_LOOPBACK = "lo"


class Hardware:
    """Tells the real devices; asks sysfs again only when devices have come or gone.

    Bridges, veth pairs, tunnels, bonds and VLANs pass on what a real device counts as well. On a machine without any,
    as in somebody's container, it is what neither is a bridge nor on one.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._is_hard: dict[int, bool] = {}  # asked of a device once, for what it is it stays
        self._real: frozenset[int] = frozenset()

    def among(self, indices: AbstractSet[int]) -> frozenset[int]:
        """The real ones of all the devices of this network namespace, by index."""
        if indices != self._known.keys():
            self._known = {index: self._known.get(index) or _name(index) for index in indices}
            named = {index: f"{_FOLDER}/{name}" for index, name in self._known.items() if name}
            before = self._is_hard
            self._is_hard = {
                index: before[index] if index in before else _is_real(folder) for index, folder in named.items()
            }
            hard = frozenset([index for index, is_hard in self._is_hard.items() if is_hard])
            self._real = hard or frozenset([index for index, folder in named.items() if _may_be_real(folder)])
        return self._real


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:  # it has gone meanwhile
        return ""


def _is_real(folder: str) -> bool:
    return os.path.exists(f"{folder}/device")


def _may_be_real(folder: str) -> bool:
    others = ("bridge", "brport", "master")
    return not folder.endswith(f"/{_LOOPBACK}") and not any(os.path.lexists(f"{folder}/{other}") for other in others)
