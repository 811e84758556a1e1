"""A container's cgroup as a scope that systemd makes and accounts for (``--systemd-cgroup``); cgroup v2 only.

systemd owns the tree of cgroups where it runs, and what is in a scope with Delegate=yes is left to whoever asked for
it (systemd.io, "Control Group APIs and Delegation"). It writes the properties of a unit to the cgroup again when it
is reloaded, so the limits that it knows are given to it as well as written.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

from engine.cgroups import layout, systemd_bus
from engine.cgroups.manager import Cgroup
from engine.cgroups.systemd_bus import Property
from engine.cgroups.writes_v2 import DEFAULT_PERIOD_USEC, io_weight, weight_from_shares
from engine.errors import InvalidRequest, Unsupported
from engine.linux import prctl
from engine.oci.resources_spec import LinuxCPU, LinuxMemory, LinuxResources

DEFAULT_SLICE = "system.slice"
INFINITY = (1 << 64) - 1

_RUNNING = "/run/systemd/system"  # sd_booted(3)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\-@")  # systemd.unit(5)
_LONGEST = 255
_MOST_CPUS = 1 << 16  # far above CONFIG_NR_CPUS
_PERCENT_USEC = 10_000  # of a second; systemd counts quotas in whole percents


class ScopeName(NamedTuple):
    """Where systemd is to put a container, such as ``system.slice`` and ``boxdeck-one.scope``."""

    slice: str
    scope: str


def parse_path(cgroups_path: str, container_id: str) -> ScopeName:
    """The slice and scope that a ``cgroupsPath`` of ``slice:prefix:name`` means, as with runc.

    Raises:
        InvalidRequest: it has another form, or makes no name of a unit.
    """
    parts = (cgroups_path or f":boxdeck:{container_id}").split(":")
    if len(parts) != 3 or not parts[2]:
        raise InvalidRequest(
            f"{cgroups_path!r} is not a place for systemd",
            "write it as slice:prefix:name, or leave out --systemd-cgroup",
        )
    slice_name, prefix, name = parts
    found = ScopeName(slice_name or DEFAULT_SLICE, f"{prefix}-{name}.scope" if prefix else f"{name}.scope")
    for unit, ending in zip(found, (".slice", ".scope"), strict=True):
        if not unit.endswith(ending) or not set(unit) <= _LETTERS or len(unit) > _LONGEST:
            raise InvalidRequest(f"{unit!r} is not a name of a {ending[1:]}", "choose another; see systemd.unit(5)")
    return found


@contextlib.contextmanager
def scope(name: ScopeName, resources: LinuxResources) -> Iterator[Cgroup]:
    """Have systemd make the cgroup of a container, which must have a process by the time this is left.

    Until then a child of ours keeps it. When it is left by an exception, the scope is stopped.

    Raises:
        Unsupported: no systemd, or cgroup v1.
        BoxdeckError: systemd refuses, or a limit can't be had.
    """
    require_systemd()
    with _placeholder() as pid:
        cgroup = Cgroup(systemd_bus.start(name.scope, [*_whereabouts(name, pid), *limits_of(resources)]))
        try:
            cgroup.update(resources)
            yield cgroup
        except BaseException:
            systemd_bus.stop(name.scope)
            raise


def update_scope(scope_name: str, resources: LinuxResources) -> None:
    """Tell systemd of changed limits, before they are written with `Cgroup.update`.

    Raises:
        BoxdeckError: systemd refuses.
    """
    if changed := limits_of(resources):
        systemd_bus.set_properties(scope_name, changed)


def stop_scope(scope_name: str) -> None:
    """End every process in a scope and the scope; one that has gone is fine.

    Raises:
        BoxdeckError: systemd refuses.
    """
    systemd_bus.stop(scope_name)


def require_systemd() -> None:
    """Make sure that systemd can make scopes here.

    Raises:
        Unsupported: it doesn't run, or control groups are v1.
    """
    remedy = "use cgroupfs: podman --cgroup-manager cgroupfs, dockerd --exec-opt native.cgroupdriver=cgroupfs"
    if not os.path.isdir(_RUNNING):
        raise Unsupported("systemd doesn't run here, so it can't make control groups", remedy)
    if layout.detect().version != "v2":
        raise Unsupported("control groups made by systemd are supported on cgroup v2 only", remedy)


def limits_of(resources: LinuxResources) -> list[Property]:
    """The limits that systemd has properties for (systemd.resource-control(5)), as D-Bus has them."""
    found: list[Property] = []
    if resources.memory is not None:
        found += _memory(resources.memory)
    if resources.cpu is not None:
        found += _cpu(resources.cpu)
    if resources.pids is not None and resources.pids.limit:
        found.append(("TasksMax", ("t", _or_infinity(resources.pids.limit))))
    if resources.block_io is not None and resources.block_io.weight:
        found.append(("IOWeight", ("t", io_weight(resources.block_io.weight))))
    return found


def bits(text: str) -> bytes:
    """A list such as ``0-3,7`` as a mask, lowest bits first.

    Raises:
        InvalidRequest: it is none.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isdecimal() and int(end) < _MOST_CPUS for end in ends):
            raise InvalidRequest(f"{text!r} is not a list of processors or memory nodes", "write it as in 0-3,7")
        numbers.update(range(int(ends[0]), int(ends[1]) + 1))
    mask = sum(1 << number for number in numbers)
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def _whereabouts(name: ScopeName, pid: int) -> list[Property]:
    accounting = [(f"{what}Accounting", ("b", True)) for what in ("CPU", "Memory", "Tasks", "IO")]
    return [
        ("Description", ("s", f"container {name.scope}")),
        ("Slice", ("s", name.slice)),
        ("PIDs", ("au", [pid])),
        ("Delegate", ("b", True)),
        ("DefaultDependencies", ("b", False)),
        ("CollectMode", ("s", "inactive-or-failed")),  # forget it, however it ends
        *accounting,
    ]


def _memory(memory: LinuxMemory) -> list[Property]:
    found: list[Property] = []
    if memory.limit:
        found.append(("MemoryMax", ("t", _or_infinity(memory.limit))))
    if memory.reservation:
        found.append(("MemoryLow", ("t", _or_infinity(memory.reservation))))
    if memory.swap and (memory.swap < 0 or (memory.limit or 0) > 0):  # the specification's swap counts memory in
        alone = memory.swap - (memory.limit or 0) if memory.swap > 0 else -1
        found.append(("MemorySwapMax", ("t", _or_infinity(alone))))
    return found


def _cpu(cpu: LinuxCPU) -> list[Property]:
    found: list[Property] = []
    if cpu.shares:
        found.append(("CPUWeight", ("t", weight_from_shares(cpu.shares))))
    if cpu.quota:
        found.append(("CPUQuotaPerSecUSec", ("t", _per_second(cpu.quota, cpu.period or DEFAULT_PERIOD_USEC))))
    if cpu.period:
        found.append(("CPUQuotaPeriodUSec", ("t", cpu.period)))
    if cpu.cpus:
        found.append(("AllowedCPUs", ("ay", bits(cpu.cpus))))
    if cpu.mems:
        found.append(("AllowedMemoryNodes", ("ay", bits(cpu.mems))))
    return found


def _per_second(quota: int, period: int) -> int:
    """Never less than asked for: whole percents, rounded up."""
    return -(-quota * 1_000_000 // period // _PERCENT_USEC) * _PERCENT_USEC if quota > 0 else INFINITY


def _or_infinity(value: int) -> int:
    return INFINITY if value < 0 else value


@contextlib.contextmanager
def _placeholder() -> Iterator[int]:
    """A child that does nothing until this is left, or we are gone."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        prctl.set_parent_death_signal(signal.SIGKILL)
        while os.getppid() == parent:
            signal.pause()
        os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
