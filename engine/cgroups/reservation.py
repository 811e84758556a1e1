"""Reservations of memory that hold against the whole machine, not only against our other containers."""

from __future__ import annotations

import contextlib

from engine.cgroups import folders, layout
from engine.limits import Limits

_FILES = ("memory.low", "memory.min")
_ATTEMPTS = 5


def reserves(limits: Limits) -> bool:
    """Whether a container with these limits has reserved memory, or gives back what it had."""
    return bool(limits.memory_reservation_bytes) or any(each.file in _FILES for each in limits.unified)


def hand_down(parent: str) -> None:
    """Have the parent cgroup ``/parent`` reserve as much as those below it together; only v2 needs that.

    There a reservation is worth no more than that of the cgroup above (cgroup-v2.rst, "memory.low" and "memory.min"),
    and a new one has none. What somebody else writes at the same time is noticed afterwards.
    """
    machine = layout.detect()
    if machine.version != "v2":
        return
    with contextlib.suppress(OSError):  # without the memory controller nobody could reserve anything
        for file in _FILES:
            _reserve(f"{machine.unified}/{parent}", file)


def _reserve(folder: str, file: str) -> None:
    for _ in range(_ATTEMPTS):
        if folders.read(f"{folder}/{file}") == (wanted := _together(folder, file)):
            return
        folders.write(f"{folder}/{file}", wanted)


def _together(folder: str, file: str) -> str:
    reserved = [folders.read(f"{folder}/{child}/{file}") for child in folders.children(folder)]
    return "max" if "max" in reserved else str(sum(int(each) for each in reserved if each))
