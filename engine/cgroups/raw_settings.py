"""Raw settings of cgroup v2: which limits with names they are, and what several come to."""

from __future__ import annotations

from collections.abc import Iterable

from engine.limits import CgroupSetting

NAMED = {
    "memory.max": ("memory_bytes",),
    "memory.high": ("memory_high_bytes",),
    "memory.low": ("memory_reservation_bytes",),
    "memory.swap.max": ("memory_swap_bytes",),
    "cpu.weight": ("cpu_shares",),
    "cpu.weight.nice": ("cpu_shares",),
    "cpu.max": ("cpus", "cpu_quota_usec", "cpu_period_usec"),
    "cpu.max.burst": ("cpu_burst_usec",),
    "cpu.idle": ("cpu_idle",),
    "cpuset.cpus": ("cpuset_cpus",),
    "cpuset.mems": ("cpuset_mems",),
    "pids.max": ("pids",),
}
"""Files that have names of their own in `engine.limits.Limits`."""


def line_key(value: str) -> str:
    """The device in lines such as ``8:0 rbps=5000`` or ``mlx5_1 hca_handle=3``; empty in ``50000 100000``."""
    first, space, _ = value.partition(" ")
    return first if space and not first.isdecimal() and first != "max" else ""


def settled(settings: Iterable[CgroupSetting]) -> tuple[CgroupSetting, ...]:
    """What settings come to that are written one after the other: one a file, with a line for each device."""
    files: dict[str, dict[str, str]] = {}
    for setting in settings:
        lines = files.setdefault(setting.file, {})
        for line in setting.value.splitlines() or [setting.value]:
            key = line_key(line)
            lines[key] = _overlaid(lines.pop(key, ""), line)
    return tuple(CgroupSetting(file, "\n".join(lines.values())) for file, lines in files.items())


def _overlaid(before: str, after: str) -> str:
    """A line after another of the same device; pairs that it doesn't name stay (cgroup-v2.rst, "Interface Files")."""
    if "=" not in after:
        return after
    device, *words = after.split()
    pairs = {word.partition("=")[0]: word for word in (*before.split()[1:], *words)}
    return " ".join((device, *pairs.values()))
