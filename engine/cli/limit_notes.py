"""What is said of limits that are taken, as docker takes them, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from engine.cgroups import disk_weights
from engine.cli.formats import binary_size
from engine.limits import Limits
from engine.linux import machine


def without_effect(limits: Limits) -> Iterator[str]:
    """A sentence for each limit that this machine is below anyway, or that nothing here looks at."""
    has_bytes = machine.memory_bytes()
    wanted_bytes = limits.memory_bytes or 0
    if wanted_bytes > has_bytes:
        wanted, there = binary_size(wanted_bytes), binary_size(has_bytes)
        yield f"a memory limit of {wanted} holds nothing back here: the machine has {there}"
    if (limits.io_weight or limits.device_weights) and not disk_weights.count():
        yield (
            "a weight of disks counts for nothing here, as none is shared by weight; "
            "that begins with: echo bfq > /sys/block/DISK/queue/scheduler"
        )
