"""The limits that bind a cgroup in the end: its own, or a tighter one of an ancestor, or what the machine has."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from msgspec.structs import replace

from engine.cgroups import layout
from engine.cgroups.limits import UNLIMITED_V1_BYTES
from engine.cgroups.lists import count
from engine.linux import machine
from engine.model.limits_in_force import MACHINE, LimitsInForce

_ANCESTORS_KEPT_SECONDS = 1.0  # many containers have the same ones
_READ_BYTES = 4096
_NOWHERE = "/proc/self/no-such-controller"


class OwnLimits(NamedTuple):
    """The limits that one cgroup sets; None where it sets none.

    Attributes:
        cpus: of its quota.
        processors: on how many it may run.
        is_hierarchical: whether memory in use here counts in the cgroup above (v1's memory.use_hierarchy).
    """

    memory_bytes: int | None
    cpus: float | None
    pids: int | None
    processors: int | None
    is_hierarchical: bool = True


class InForce:
    """Reads the limits in force of one cgroup after the other.

    Args:
        kept_seconds: how old what is above them may be.
    """

    def __init__(self, kept_seconds: float = _ANCESTORS_KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        machine = layout.detect()
        self._own = _V2(machine.unified or "").own if machine.version == "v2" else _V1(machine).own
        self._above: dict[str, LimitsInForce] = {}
        self._above_until = 0.0

    def read(self, path: str) -> LimitsInForce:
        """What binds the cgroup at a path below the top of each hierarchy, such as ``/boxdeck/3f2a…``.

        A cgroup that isn't there sets no limits, and neither does a controller that is off.
        """
        now = time.monotonic()
        if now > self._above_until:
            self._above.clear()
            self._above_until = now + self._kept_seconds
        return self._bound(path)

    def _bound(self, path: str) -> LimitsInForce:
        return _tightened(
            self._bound_above(os.path.dirname(path)) if path != "/" else _machine(), self._own(path), path
        )

    def _bound_above(self, path: str) -> LimitsInForce:
        known = self._above.get(path)
        if known is None:
            known = self._above[path] = self._bound(path)
        return known


def in_force(path: str) -> LimitsInForce:
    """What binds one cgroup, looked at once."""
    return InForce().read(path)


def _machine() -> LimitsInForce:
    return LimitsInForce(
        memory_bytes=machine.memory_bytes(),
        memory_from=MACHINE,
        cpus=float(os.cpu_count() or 1),
        cpus_from=MACHINE,
        pids=int(_read("/proc/sys/kernel/pid_max") or 0),
        pids_from=MACHINE,
    )


def _tightened(above: LimitsInForce, own: OwnLimits, path: str) -> LimitsInForce:
    """What binds in the end: of equal limits the lower cgroup's, of equal sets of processors the upper one's."""
    if not own.is_hierarchical and above.memory_from != MACHINE:
        machine = _machine()
        above = replace(above, memory_bytes=machine.memory_bytes, memory_from=MACHINE)
    if own.memory_bytes is not None and own.memory_bytes <= above.memory_bytes:
        above = replace(above, memory_bytes=own.memory_bytes, memory_from=path)
    if own.pids is not None and own.pids <= above.pids:
        above = replace(above, pids=own.pids, pids_from=path)
    if own.processors is not None and own.processors < above.cpus:
        above = replace(above, cpus=float(own.processors), cpus_from=path)
    if own.cpus is not None and own.cpus <= above.cpus:
        above = replace(above, cpus=own.cpus, cpus_from=path)
    return above


class _V2:
    """One hierarchy for all (cgroup-v2.rst)."""

    def __init__(self, top: str) -> None:
        self._top = top

    def own(self, path: str) -> OwnLimits:
        folder = self._top + path
        quota, _, period = _read(f"{folder}/cpu.max").partition(" ")
        return OwnLimits(
            memory_bytes=_number(_read(f"{folder}/memory.max")),
            cpus=_cpus(quota, period),
            pids=_number(_read(f"{folder}/pids.max")),
            processors=count(_read(f"{folder}/cpuset.cpus.effective")),
        )


class _V1:
    """A hierarchy for each controller, in which a cgroup has the same path (cgroup-v1/*.rst)."""

    def __init__(self, machine: layout.Layout) -> None:
        tops = {name: h.point for h in (*machine.hierarchies, *machine.spare) for name in h.controllers}
        self._memory, self._cpu, self._pids, self._cpuset = (
            tops.get(name, _NOWHERE) for name in ("memory", "cpu", "pids", "cpuset")
        )

    def own(self, path: str) -> OwnLimits:
        memory = _number(_read(f"{self._memory}{path}/memory.limit_in_bytes"))
        quota = _read(f"{self._cpu}{path}/cpu.cfs_quota_us")
        period = _read(f"{self._cpu}{path}/cpu.cfs_period_us") if quota.isdecimal() else ""
        return OwnLimits(
            memory_bytes=memory if memory is not None and memory < UNLIMITED_V1_BYTES else None,
            cpus=_cpus(quota, period),
            pids=_number(_read(f"{self._pids}{path}/pids.max")),
            processors=count(_read(f"{self._cpuset}{path}/cpuset.cpus")),
            is_hierarchical=_read(f"{self._memory}{os.path.dirname(path)}/memory.use_hierarchy") != "0",
        )


def _cpus(quota: str, period: str) -> float | None:
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None  # neither "max" nor "-1"


def _read(path: str) -> str:
    """A short file; empty where it isn't there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _READ_BYTES).decode("ascii").strip()
    except OSError:  # ENODEV while it goes
        return ""
    finally:
        os.close(descriptor)
