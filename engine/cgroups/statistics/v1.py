"""What a cgroup on v1 uses (cgroup-v1/cpuacct.rst, memory.rst, blkio-controller.rst, pids.rst)."""

from __future__ import annotations

import os
import time

from engine.cgroups.layout import Layout
from engine.cgroups.statistics.block_devices import BlockDevices
from engine.cgroups.statistics.files import NUMBER_BYTES, OpenFiles
from engine.cgroups.statistics.numbers import Lines, number, number_after
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

Throttling = tuple[int | None, int | None, int | None]
Numbers = list[int | None]


class V1Source:
    """The files of one cgroup, in the folders at the same path of all hierarchies.

    Read each time: cpuacct.usage, memory.usage_in_bytes, bytes of block devices, pids.current; when the first has
    grown also cpuacct.stat, when one of the first two has changed memory.stat, and when bytes have, operations.
    Throttling, kernel memory, peak, limit hits and OOM kills take turns, with those files of the others that nothing
    calls for, so they may be as old as five looks. The kernel may be late with memory.stat by some pages. It counts
    writes through the page cache nowhere but at the top, and knows no pressure of v1's cgroups.

    Args:
        machine: says where the hierarchies are.
        path: below the top of each.
        files: where to open them.

    Raises:
        OSError: EMFILE, too many descriptors.
    """

    def __init__(self, machine: Layout, path: str, files: OpenFiles) -> None:
        cpu, cpuacct, memory, blkio, pids = folders(machine, path)
        self._files = files
        self._devices = BlockDevices()
        self._usage_text = b""
        self._times: tuple[int, int] = (0, 0)
        self._in_use = b""
        self._memory_known: tuple[object, ...] = ()
        self._memory_usage: MemoryUsage | None = None
        self._io_texts = (b"", b"")
        self._io_usage: IoUsage | None = None
        self._usage = files.each_time(f"{cpuacct}/cpuacct.usage", NUMBER_BYTES)
        self._stat = files.each_time(f"{cpuacct}/cpuacct.stat")
        self._memory_current = files.each_time(f"{memory}/memory.usage_in_bytes", NUMBER_BYTES)
        self._bytes = files.each_time(f"{blkio}/blkio.throttle.io_service_bytes_recursive")
        self._pids_current = files.each_time(f"{pids}/pids.current", NUMBER_BYTES)
        self._memory_stat = files.in_turn(f"{memory}/memory.stat", parse_memory_stat)
        self._operations = files.in_turn(f"{blkio}/blkio.throttle.io_serviced_recursive", bytes)
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
        self._files.refresh()
        has_run = usage != self._usage_text
        if has_run:  # its parts can't have grown otherwise
            self._usage_text, self._times = usage, parse_times(self._stat.read())
        return Usage(at_ns, self._cpu(usage), self._memory(has_run), self._io(), self._pids())

    def _cpu(self, usage: bytes) -> CpuUsage | None:
        return parse_cpu(usage, self._times, self._throttling.value)

    def _memory(self, has_run: bool) -> MemoryUsage | None:
        in_use = self._memory_current.read()
        if has_run or in_use != self._in_use:  # who sleeps has no faults, and what is taken from him shows in the sum
            self._in_use = in_use
            self._memory_stat.refresh()
        # What fails at the limit of memory and swap isn't tried at that of memory; newer kernels don't count it.
        limit_hits = (self._limit_hits.value or 0) + (self._with_swap_hits.value or 0)
        known = in_use, self._memory_stat.value, self._kernel.value, self._peak.value, limit_hits, self._oom_kills.value
        if known != self._memory_known:
            self._memory_known, self._memory_usage = known, parse_memory(*known)
        return self._memory_usage

    def _io(self) -> IoUsage | None:
        counted = self._bytes.read()
        if counted != self._io_texts[0]:
            self._operations.refresh()
        texts = counted, self._operations.value
        if texts != self._io_texts:  # disks rest most of the time
            self._io_texts, self._io_usage = texts, parse_io(*texts, self._devices)
        return self._io_usage

    def _pids(self) -> PidsUsage | None:
        current = self._pids_current.read()
        return PidsUsage(int(current), self._pids_events.value) if current else None


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
