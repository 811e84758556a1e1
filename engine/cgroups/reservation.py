"""Reservations of memory that hold against the whole machine, not only against our other containers."""

from __future__ import annotations

import contextlib

from engine.cgroups import folders, layout

_FILE = "memory.low"
_ATTEMPTS = 5


def hand_down(parent: str) -> None:
    """Have the parent cgroup ``/parent`` reserve as much as those below it together; only v2 needs that.

    There a reservation is worth no more than that of the cgroup above (cgroup-v2.rst, "memory.low"), and a new one
    has none. What somebody else writes at the same time is noticed afterwards.
    """
    machine = layout.detect()
    if machine.version != "v2":
        return
    folder = f"{machine.unified}/{parent}"
    with contextlib.suppress(OSError):  # without the memory controller nobody could reserve anything
        for _ in range(_ATTEMPTS):
            if folders.read(f"{folder}/{_FILE}") == (wanted := _together(folder)):
                return
            folders.write(f"{folder}/{_FILE}", wanted)


def _together(folder: str) -> str:
    lows = [folders.read(f"{folder}/{child}/{_FILE}") for child in folders.children(folder)]
    return "max" if "max" in lows else str(sum(int(low) for low in lows if low))
