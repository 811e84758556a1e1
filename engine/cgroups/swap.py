"""Whether this kernel counts swap for each cgroup."""

from __future__ import annotations

import functools
import os

from engine.cgroups import layout


@functools.cache
def has_swap_accounting() -> bool:
    """Whether swap can be limited.

    On v1 the top of the hierarchy has the file. On v2 it hasn't, so what decides is asked for: a kernel that can swap,
    and no ``swapaccount=0`` on its command line (kernel-parameters.txt; without effect since Linux 6.1).
    """
    machine = layout.detect()
    if machine.version == "v2":
        return os.path.exists("/proc/swaps") and "swapaccount=0" not in _command_line()
    return any(os.path.exists(f"{h.point}/memory.memsw.limit_in_bytes") for h in machine.hierarchies)


def _command_line() -> list[str]:
    with open("/proc/cmdline", encoding="utf-8", errors="replace") as file:
        return file.read().split()
