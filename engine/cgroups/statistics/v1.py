"""What a cgroup on v1 uses (cgroup-v1/cpuacct.rst, memory.rst, blkio-controller.rst, pids.rst)."""

from __future__ import annotations

import os
import time

from engine.cgroups.layout import Layout
from engine.cgroups.statistics.block_devices import BlockDevices
from engine.cgroups.statistics.files import NUMBER_BYTES, OpenFiles
from engine.cgroups.statistics.numbers import Lines, number, number_after
from engine.cgroups.statistics.pids import parse_pids
from engine.cgroups.statistics.remembered import Remembered
from engine.cgroups.statistics.seats import in_seat
from engine.cgroups.statistics.usage import CpuUsage, DeviceUsage, IoUsage, MemoryUsage, PidsUsage, Usage

_NANOSECONDS_PER_USEC = 1000
_USEC_PER_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")
_NOWHERE = "/proc/self/no-such-controller"

_TIMES = Lines("user", "system")
_THROTTLING = Lines("nr_periods", "nr_throttled", "throttled_time")
_MEMORY = Lines(  # "total" is with all below
    "total_rss", "total_cache", "total_swap", "total_pgfault", "total_pgmajfault", "total_inactive_file"
)

Parts = tuple[CpuUsage | None, MemoryUsage | None, IoUsage | None, PidsUsage | None]
Throttling = tuple[int | None, int | None, int | None]
Numbers = list[int | None]


class V1Source:
    """The files of one cgroup, in the folders at the same path of all hierarchies.

    Read each time: cpuacct.usage. Of a cgroup that has run since the last look, which it tells, also
    memory.usage_in_bytes, cpuacct.stat, memory.stat, bytes of block devices and pids.current, and operations when bytes
    have grown. Throttling, kernel memory, peak, limit hits and OOM kills take turns, so they may be as old as four
    looks. Who rests has no faults, forks nothing and reads and writes nothing: there memory in use is read at every
    second look, as others may take it away, and all that is left takes turns at the looks between.

    The kernel may be late with memory.stat by some pages. It counts writes through the page cache nowhere but at the
    top, and knows no pressure of v1's cgroups.

    Args:
        machine: says where the hierarchies are.
        path: below the top of each.
        files: where to open them.

    Raises:
        OSError: EMFILE, too many descriptors.
    """

    def __init__(self, machine: Layout, path: str, files: OpenFiles) -> None:
        cpu, cpuacct, memory, blkio, pids = folders(machine, path)
        devices = BlockDevices()
        self._files = files
        self._ran_before = self._memory_was_read = False
        self._latest: Parts = (None, None, None, None)
        self._usage_text = self._in_use = b""
        self._cpu = Remembered(parse_cpu)
        self._memory = Remembered(parse_memory)
        self._io = Remembered(lambda counted, operations: parse_io(counted, operations, devices))
        self._pids = Remembered(parse_pids)
        self._usage = files.each_time(f"{cpuacct}/cpuacct.usage", NUMBER_BYTES)
        self._memory_current = files.each_time(f"{memory}/memory.usage_in_bytes", NUMBER_BYTES)
        self._times = files.at_work(f"{cpuacct}/cpuacct.stat", parse_times)
        self._memory_stat = files.at_work(f"{memory}/memory.stat", parse_memory_stat)
        self._bytes = files.at_work(f"{blkio}/blkio.throttle.io_service_bytes_recursive", bytes)
        self._operations = files.at_work(f"{blkio}/blkio.throttle.io_serviced_recursive", bytes)
        self._pids_current = files.at_work(f"{pids}/pids.current", number)
        self._throttling = files.in_turn(f"{cpu}/cpu.stat", parse_throttling)
        self._kernel = files.in_turn(f"{memory}/memory.kmem.usage_in_bytes", number)
        self._peak = files.in_turn(f"{memory}/memory.max_usage_in_bytes", number)
        self._limit_hits = files.in_turn(f"{memory}/memory.failcnt", number)
        self._with_swap_hits = files.in_turn(f"{memory}/memory.memsw.failcnt", number)
        self._oom_kills = files.in_turn(in_seat(memory, "memory.oom_control"), parse_oom_kills)
        self._pids_events = files.in_turn(in_seat(pids, "pids.events"), parse_hits)

    def read(self) -> Usage:
        """What it uses now.

        Raises:
            OSError: ENODEV, it has gone.
        """
        usage = self._usage.read()
        at_ns = time.monotonic_ns()
        has_run = usage != self._usage_text or not usage  # without cpuacct nobody knows
        rests = not (has_run or self._ran_before)
        reads_memory = self._memory_was_read = not (rests and self._memory_was_read)
        in_use = self._memory_current.read() if reads_memory else self._in_use
        has_news = not (rests and reads_memory) and self._files.refresh(has_run)
        if has_run or self._ran_before or has_news or in_use != self._in_use:
            if not self._files.are_all_fresh:
                self._refresh(has_run, in_use != self._in_use)
            self._usage_text, self._in_use, self._ran_before = usage, in_use, has_run
            self._latest = self._parts()
        return Usage(at_ns, *self._latest)

    def _refresh(self, has_run: bool, memory_has_changed: bool) -> None:
        """Read what a cgroup at work changes."""
        self._pids_current.refresh()
        if has_run or memory_has_changed:
            self._memory_stat.refresh()
        if has_run:
            self._times.refresh()
            if self._bytes.refresh():
                self._operations.refresh()

    def _parts(self) -> Parts:
        # What fails at the limit of memory and swap isn't tried at that of memory; newer kernels don't count it.
        limit_hits = (self._limit_hits.value or 0) + (self._with_swap_hits.value or 0)
        return (
            self._cpu.of(self._usage_text, self._times.value, self._throttling.value),
            self._memory.of(
                self._in_use,
                self._memory_stat.value,
                self._kernel.value,
                self._peak.value,
                limit_hits,
                self._oom_kills.value,
            ),
            self._io.of(self._bytes.value, self._operations.value),
            self._pids.of(self._pids_current.value, self._pids_events.value),
        )


def folders(machine: Layout, path: str) -> tuple[str, str, str, str, str]:
    """Where a path's files of cpu, cpuacct, memory, blkio and pids are; nowhere for a controller that isn't mounted."""
    tops = {controller: hierarchy.point for hierarchy in machine.hierarchies for controller in hierarchy.controllers}
    cpu, cpuacct, memory, blkio, pids = (
        tops.get(name, _NOWHERE) + path for name in ("cpu", "cpuacct", "memory", "blkio", "pids")
    )
    return cpu, cpuacct, memory, blkio, pids


def parse_times(stat: bytes) -> tuple[int, int]:
    """Microseconds for programs and for the kernel, from cpuacct.stat, which counts in ticks of USER_HZ.

    Unlike cpuacct.usage_user and usage_sys they add up to cpuacct.usage, as the parts do in v2's cpu.stat.
    """
    user, system = _TIMES.values(stat)
    return (user or 0) * _USEC_PER_TICK, (system or 0) * _USEC_PER_TICK


def parse_throttling(stat: bytes) -> Throttling:
    """Periods, those throttled, and microseconds throttled in all, from cpu.stat; None without the controller."""
    periods, throttled_periods, throttled_ns = _THROTTLING.values(stat)
    return periods, throttled_periods, None if throttled_ns is None else throttled_ns // _NANOSECONDS_PER_USEC


def parse_cpu(usage: bytes, times: tuple[int, int], throttling: Throttling = (None, None, None)) -> CpuUsage | None:
    """From cpuacct.usage, in nanoseconds; None without the controller."""
    return CpuUsage(int(usage) // _NANOSECONDS_PER_USEC, *times, *throttling) if usage else None


def parse_memory_stat(stat: bytes) -> Numbers:
    """Anonymous memory, page cache, swap, faults, major faults and inactive page cache, from memory.stat."""
    return _MEMORY.values(stat[stat.find(b"total_") :])


def parse_memory(
    current: bytes, stat: Numbers, kernel_bytes: int | None, peak_bytes: int | None, limit_hits: int, oom_kills: int
) -> MemoryUsage | None:
    """From memory.usage_in_bytes and what memory.stat says; None without the controller."""
    if not current:
        return None
    anonymous, file, swap, faults, major_faults, inactive_file = stat
    in_use = int(current)
    return MemoryUsage(
        in_use,
        max(in_use - (inactive_file or 0), 0),
        anonymous or 0,
        file or 0,
        kernel_bytes,
        swap,
        None if peak_bytes is None else max(peak_bytes, in_use),  # which was read some looks ago
        faults or 0,
        major_faults or 0,
        limit_hits,
        oom_kills,
    )


def parse_io(counted: bytes, operations: bytes, devices: BlockDevices) -> IoUsage | None:
    """From blkio.throttle.io_service_bytes_recursive and io_serviced_recursive; None without the controller.

    They have lines such as ``8:0 Read 4096`` for several kinds, and one ``Total 4096`` at the end.
    """
    if not counted:
        return None
    times = _reads_and_writes(operations)
    return IoUsage(
        tuple(
            [
                DeviceUsage(devices[device].number, devices[device].name, *sums, *times.get(device, (0, 0)))
                for device, sums in _reads_and_writes(counted).items()
            ]
        )
    )


def _reads_and_writes(text: bytes) -> dict[bytes, tuple[int, int]]:
    words = text.split()
    found: dict[bytes, tuple[int, int]] = {}
    for at in range(0, len(words) - 2, 3):
        device, kind = words[at], words[at + 1]
        if kind == b"Read":
            found[device] = (int(words[at + 2]), 0)
        elif kind == b"Write":
            found[device] = (found.get(device, (0, 0))[0], int(words[at + 2]))
    return found


def parse_oom_kills(control: bytes) -> int:
    """From memory.oom_control; 0 before Linux 4.13, which doesn't count them."""
    return number_after(control, b"\noom_kill ")


def parse_hits(events: bytes) -> int:
    """From pids.events, which is ``max 4``."""
    return number_after(events, b"max ")
