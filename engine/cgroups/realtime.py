"""Realtime scheduling on v1: runtime within a period, which a cgroup can only have out of its parent's share.

scheduler/sched-rt-group.rst. A new cgroup has none, so the ones above a container's get what it asks for first.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from engine.cgroups import folders
from engine.cgroups.limits import Write

PREFIX = "cpu.rt_"

_PERIOD, _RUNTIME = "cpu.rt_period_us", "cpu.rt_runtime_us"


def change(folder: str, top: str, writes: Iterable[Write]) -> None:
    """Set period and runtime of a cgroup and of the one for its processes, if that is there.

    Args:
        top: where the hierarchy is mounted.

    Raises:
        OSError: EINVAL when the machine hasn't that much to give.
    """
    values = {write.file: write.value for write in writes}
    try:
        _set(folder, values)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _raise_above(folder, top, values)
        _set(folder, values)
    seat = f"{folder}/{folders.PAYLOAD}"
    if os.path.isdir(seat):
        _set(seat, values)


def _set(folder: str, values: dict[str, str]) -> None:
    for file, value in values.items():
        folders.write(f"{folder}/{file}", value)


def _raise_above(folder: str, top: str, values: dict[str, str]) -> None:
    """Add to each cgroup above the share that is asked for."""
    share = int(values.get(_RUNTIME) or _number(folder, _RUNTIME)) / int(
        values.get(_PERIOD) or _number(folder, _PERIOD)
    )
    above: list[str] = []
    while len(folder := os.path.dirname(folder)) > len(top):
        above.append(folder)
    for parent in reversed(above):
        more = round(share * _number(parent, _PERIOD) + 0.5)
        folders.write(f"{parent}/{_RUNTIME}", str(_number(parent, _RUNTIME) + more))


def _number(folder: str, file: str) -> int:
    return int(folders.read(f"{folder}/{file}") or 0)
