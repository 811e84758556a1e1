"""What a cgroup on v2 uses (cgroup-v2.rst)."""

from __future__ import annotations

import os
import time

from engine.cgroups.statistics.block_devices import BlockDevices
from engine.cgroups.statistics.files import NUMBER_BYTES, ControllerOff, OpenFiles
from engine.cgroups.statistics.numbers import Lines, number, number_after
from engine.cgroups.statistics.seats import in_seat
from engine.cgroups.statistics.usage import CpuUsage, DeviceUsage, IoUsage, MemoryUsage, PidsUsage, Usage
from engine.pressure import Pressure, parse_pressure

_CPU = Lines("usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec")
_MEMORY = Lines("anon", "file", "kernel", "pgfault", "pgmajfault", "inactive_file")
_MEMORY_EVENTS = Lines("max", "oom_kill")


class V2Source:
    """The files of one cgroup.

    Read each time: cpu.stat, memory.current, memory.stat, io.stat and pids.current. Swap, peak, limit hits, OOM kills
    and pressure take turns, so they may be as old as four looks. The kernel itself renews the averages of pressure
    every two seconds, and may be late with memory.stat by some pages.

    Args:
        folder: of the cgroup.
        files: where to open them.

    Raises:
        OSError: EMFILE, too many descriptors.
    """

    def __init__(self, folder: str, files: OpenFiles) -> None:
        self._files = files
        self._devices = BlockDevices()
        self._io_text = b""
        self._io_devices: tuple[DeviceUsage, ...] = ()
        self._cpu_stat = files.each_time(f"{folder}/cpu.stat")
        self._memory_current = files.each_time(f"{folder}/memory.current", NUMBER_BYTES)
        self._memory_stat = files.each_time(f"{folder}/memory.stat")
        self._io_stat = files.each_time(f"{folder}/io.stat")
        self._pids_current = files.each_time(f"{folder}/pids.current", NUMBER_BYTES)
        self._memory_events = files.in_turn(f"{folder}/memory.events", _MEMORY_EVENTS.values)
        self._cpu_pressure = files.in_turn(f"{folder}/cpu.pressure", parse_pressure)
        self._swap = files.in_turn(f"{folder}/memory.swap.current", number)
        self._memory_pressure = files.in_turn(f"{folder}/memory.pressure", parse_pressure)
        self._peak = files.in_turn(f"{folder}/memory.peak", number)
        self._io_pressure = files.in_turn(f"{folder}/io.pressure", parse_pressure)
        self._pids_events = files.in_turn(_pids_events(folder), parse_hits)

    def read(self) -> Usage:
        """What it uses now.

        Raises:
            OSError: ENODEV, it has gone.
            ControllerOff: a controller was taken from it: open it anew.
        """
        cpu_stat = self._cpu_stat.read()  # which is there as long as the cgroup
        at_ns = time.monotonic_ns()
        try:
            self._files.refresh()
            return Usage(at_ns, parse_cpu(cpu_stat, self._cpu_pressure.value), self._memory(), self._io(), self._pids())
        except OSError as error:
            raise ControllerOff from error

    def _memory(self) -> MemoryUsage | None:
        limit_hits, oom_kills = self._memory_events.value
        return parse_memory(
            self._memory_current.read(),
            self._memory_stat.read(),
            swap_bytes=self._swap.value,
            peak_bytes=self._peak.value,
            limit_hits=limit_hits or 0,
            oom_kills=oom_kills or 0,
            pressure=self._memory_pressure.value,
        )

    def _io(self) -> IoUsage | None:
        stat = self._io_stat.read()
        if not self._io_stat.is_there:
            return None
        if stat != self._io_text:  # disks rest most of the time
            self._io_text, self._io_devices = stat, parse_io(stat, self._devices)
        return IoUsage(self._io_devices, self._io_pressure.value)

    def _pids(self) -> PidsUsage | None:
        return parse_pids(self._pids_current.read(), self._pids_events.value)


def _pids_events(folder: str) -> str:
    """Before Linux 6.10, which brought pids.events.local, a fork that failed was counted where it was tried."""
    is_hierarchical = os.path.exists(f"{folder}/pids.events.local")
    return f"{folder}/pids.events" if is_hierarchical else in_seat(folder, "pids.events")


def parse_cpu(stat: bytes, pressure: Pressure | None = None) -> CpuUsage | None:
    """From cpu.stat, which is there without the cpu controller, too, but has no periods then."""
    usage, user, system, periods, throttled_periods, throttled_usec = _CPU.values(stat)
    if usage is None:
        return None
    return CpuUsage(usage, user or 0, system or 0, periods, throttled_periods, throttled_usec, pressure)


def parse_memory(
    current: bytes,
    stat: bytes,
    *,
    swap_bytes: int | None = None,
    peak_bytes: int | None = None,
    limit_hits: int = 0,
    oom_kills: int = 0,
    pressure: Pressure | None = None,
) -> MemoryUsage | None:
    """From memory.current and memory.stat; None without the controller."""
    if not current:
        return None
    anonymous, file, kernel, faults, major_faults, inactive_file = _MEMORY.values(stat)
    in_use = int(current)
    return MemoryUsage(
        in_use,
        max(in_use - (inactive_file or 0), 0),
        anonymous or 0,
        file or 0,
        kernel,
        swap_bytes,
        None if peak_bytes is None else max(peak_bytes, in_use),  # which was read some looks ago
        faults or 0,
        major_faults or 0,
        limit_hits,
        oom_kills,
        pressure,
    )


def parse_io(stat: bytes, devices: BlockDevices) -> tuple[DeviceUsage, ...]:
    """From io.stat: lines such as ``8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0``, or of a number alone."""
    return tuple([_device(line, devices) for line in stat.split(b"\n") if b" rbytes=" in line])


def _device(line: bytes, devices: BlockDevices) -> DeviceUsage:
    device = devices[line[: line.index(b" ")]]
    return DeviceUsage(
        device.number,
        device.name,
        number_after(line, b" rbytes="),
        number_after(line, b" wbytes="),
        number_after(line, b" rios="),
        number_after(line, b" wios="),
    )


def parse_pids(current: bytes, limit_hits: int = 0) -> PidsUsage | None:
    """From pids.current; None without the controller."""
    return PidsUsage(int(current), limit_hits) if current else None


def parse_hits(events: bytes) -> int:
    """From pids.events, which is ``max 4``."""
    return number_after(events, b"max ")
