"""What a cgroup on v2 uses (cgroup-v2.rst)."""

from __future__ import annotations

import os
import time

from engine.cgroups.statistics.block_devices import BlockDevices
from engine.cgroups.statistics.files import NUMBER_BYTES, ControllerOff, OpenFiles
from engine.cgroups.statistics.numbers import Lines, number, number_after
from engine.cgroups.statistics.pids import parse_pids
from engine.cgroups.statistics.remembered import Remembered
from engine.cgroups.statistics.seats import in_seat
from engine.cgroups.statistics.usage import CpuUsage, DeviceUsage, IoUsage, MemoryUsage, PidsUsage, Usage
from engine.pressure import Pressure, parse_pressure

_CPU = Lines("usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec")
_MEMORY = Lines("anon", "file", "kernel", "pgfault", "pgmajfault", "inactive_file")
_MEMORY_EVENTS = Lines("max", "oom_kill")

Numbers = list[int | None]
Parts = tuple[CpuUsage | None, MemoryUsage | None, IoUsage | None, PidsUsage | None]


class V2Source:
    """The files of one cgroup.

    Read each time: cpu.stat, memory.current and io.stat; of a cgroup that has run since the last look, which the first
    tells, also memory.stat and pids.current. Swap, peak, limit hits, OOM kills and pressure take turns, so they may be
    as old as four looks. Who rests has no faults and forks nothing: there all but the first three take turns, since
    others may take memory away from it or put processes into it.

    The kernel itself renews the averages of pressure every two seconds, and may be late with memory.stat by some pages.

    Args:
        folder: of the cgroup.
        files: where to open them.

    Raises:
        OSError: EMFILE, too many descriptors.
    """

    def __init__(self, folder: str, files: OpenFiles) -> None:
        devices = BlockDevices()
        self._files = files
        self._ran_before = False
        self._latest: Parts = (None, None, None, None)
        self._cpu_text = self._in_use = self._io_text = b""
        self._cpu = Remembered(parse_cpu)
        self._memory = Remembered(parse_memory)
        self._io = Remembered(lambda stat, pressure: IoUsage(parse_io(stat, devices), pressure))
        self._pids = Remembered(parse_pids)
        self._cpu_stat = files.each_time(f"{folder}/cpu.stat")
        self._memory_current = files.each_time(f"{folder}/memory.current", NUMBER_BYTES)
        self._io_stat = files.each_time(f"{folder}/io.stat")
        self._memory_stat = files.at_work(f"{folder}/memory.stat", _MEMORY.values)
        self._pids_current = files.at_work(f"{folder}/pids.current", number)
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
            has_news = self._files.refresh(has_run := cpu_stat != self._cpu_text)
            in_use, io_stat = self._memory_current.read(), self._io_stat.read()
            if has_run or self._ran_before or has_news or in_use != self._in_use or io_stat != self._io_text:
                if not self._files.are_all_fresh:
                    self._refresh(has_run or in_use != self._in_use)
                self._cpu_text, self._ran_before, self._in_use, self._io_text = cpu_stat, has_run, in_use, io_stat
                self._latest = self._parts()
        except OSError as error:
            raise ControllerOff from error
        return Usage(at_ns, *self._latest)

    def _refresh(self, memory_may_have_changed: bool) -> None:
        """Read what a cgroup at work changes."""
        self._pids_current.refresh()
        if memory_may_have_changed:
            self._memory_stat.refresh()

    def _parts(self) -> Parts:
        return (
            self._cpu.of(self._cpu_text, self._cpu_pressure.value),
            self._memory.of(
                self._in_use,
                self._memory_stat.value,
                self._swap.value,
                self._peak.value,
                self._memory_events.value,
                self._memory_pressure.value,
            ),
            self._io.of(self._io_text, self._io_pressure.value) if self._io_stat.is_there else None,
            self._pids.of(self._pids_current.value, self._pids_events.value),
        )


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
    stat: Numbers,
    swap_bytes: int | None,
    peak_bytes: int | None,
    events: Numbers,
    pressure: Pressure | None,
) -> MemoryUsage | None:
    """From memory.current and what memory.stat and memory.events say; None without the controller."""
    if not current:
        return None
    anonymous, file, kernel, faults, major_faults, inactive_file = stat
    limit_hits, oom_kills = events
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
        limit_hits or 0,
        oom_kills or 0,
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


def parse_hits(events: bytes) -> int:
    """From pids.events, which is ``max 4``."""
    return number_after(events, b"max ")
