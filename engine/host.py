"""The machine's own totals: from /proc, and of its real disks and network devices from who counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from engine.cgroups.statistics.files import KernelFile
from engine.disks import DiskReader
from engine.model import HostSample
from engine.network.links import LinkStatistics
from engine.pressure import Pressure, parse_pressure

_PROCESSORS_SECONDS = 10.0
_SHORTEST_SECONDS = 0.45  # the kernel counts processors' time in ticks: shares over less are coarse
_SELDOM_SECONDS = 1.9  # every second look; the kernel brings averages of pressure up to date as often (psi.rst)

Value = TypeVar("Value")
Device = TypeVar("Device", str, int)
Totals = Mapping[Device, tuple[int, int]]  # two counters of each device


class _Rates(Generic[Device]):
    """Growth per second of two counters, summed over devices; what has just come adds nothing at first."""

    def __init__(self) -> None:
        self._before: Totals[Device] | None = None
        self._before_ns = 0

    def of(self, now: Totals[Device] | None) -> tuple[float | None, float | None]:
        """Since the last call; None without one, without figures, and when a counter went backwards."""
        at_ns = time.monotonic_ns()
        before, seconds = self._before, (at_ns - self._before_ns) / 1e9
        self._before, self._before_ns = now, at_ns
        if now is None or before is None or seconds <= 0:
            return None, None
        return _growth(now, before, 0, seconds), _growth(now, before, 1, seconds)


class _Seldom(Generic[Value]):
    """A figure that is dear and moves slowly: asked for again only when it is so old."""

    def __init__(self, ask: Callable[[], Value], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._value: Value | None = None
        self._due = 0.0

    def at(self, now: float, again: Value | None = None) -> Value:
        """The figure at a time of the monotonic clock, in seconds; one that is `again` is asked for in any case."""
        if self._value is None or now >= self._due or self._value == again:
            self._value, self._due = self._ask(), now + self._seconds
        return self._value


class HostReader:
    """Looks at the machine again and again.

    All of it comes from files that stay open: psutil opens each one and takes apart the whole of it.
    """

    def __init__(self) -> None:
        self._memory = KernelFile("/proc/meminfo")
        self._stat = KernelFile("/proc/stat")
        self._pressure_files = [KernelFile(f"/proc/pressure/{resource}") for resource in ("cpu", "memory", "io")]
        self._pressures = _Seldom(self._read_pressures, _SELDOM_SECONDS)
        self._disk_reader = DiskReader()
        self._disks = _Seldom(self._read_disks, _SELDOM_SECONDS)
        self._count = _Seldom(lambda: os.cpu_count() or 1, _PROCESSORS_SECONDS)
        self._processors: tuple[int, int] | None = None
        self._latest = HostSample()
        self._good_until = 0.0
        self._disk_rates = _Rates[str]()
        self._network_rates = _Rates[int]()

    def read(self, devices: Mapping[int, LinkStatistics] | None) -> HostSample:
        """What it uses now, or half a second ago; rates are over the time since they were read last.

        Args:
            devices: counters of its real network devices; None where they aren't known.
        """
        now = time.monotonic()
        if now >= self._good_until:
            has_rates = self._processors is not None
            self._latest = self._read(now, devices)
            self._good_until = now + _SHORTEST_SECONDS if has_rates else now
        return self._latest

    def _read(self, now: float, devices: Mapping[int, LinkStatistics] | None) -> HostSample:
        memory = self._memory.read()
        total_bytes, swap_total_bytes = _bytes(memory, b"MemTotal:"), _bytes(memory, b"\nSwapTotal:")
        loads = os.getloadavg()
        read, written = self._disks.at(now, again=(None, None))
        received, sent = self._network_rates.of(_traffic(devices))
        cpu, memory_pressure, io = self._pressures.at(now)
        return HostSample(
            cpu_percent=self._cpu_percent(),
            processors=self._count.at(now),
            load_1=loads[0],
            load_5=loads[1],
            load_15=loads[2],
            memory_used_bytes=total_bytes - _bytes(memory, b"\nMemAvailable:"),
            memory_total_bytes=total_bytes,
            swap_used_bytes=swap_total_bytes - _bytes(memory, b"\nSwapFree:"),
            swap_total_bytes=swap_total_bytes,
            disk_read_bytes_per_second=read,
            disk_written_bytes_per_second=written,
            network_received_bytes_per_second=received,
            network_sent_bytes_per_second=sent,
            cpu_pressure=cpu,
            memory_pressure=memory_pressure,
            io_pressure=io,
        )

    def close(self) -> None:
        """Close the files; the next reader begins anew, without rates."""
        for file in (self._memory, self._stat, *self._pressure_files):
            file.close()
        self._disk_reader.close()

    def _read_pressures(self) -> tuple[Pressure | None, Pressure | None, Pressure | None]:
        cpu, memory, io = (parse_pressure(file.read()) for file in self._pressure_files)
        return cpu, memory, io

    def _read_disks(self) -> tuple[float | None, float | None]:
        return self._disk_rates.of(self._disk_reader.read())

    def _cpu_percent(self) -> float | None:
        """Of all processors."""
        before, now = self._processors, _processors(self._stat.read())
        self._processors = now
        if before is None or (passed := now[1] - before[1]) <= 0:
            return None
        # The time of waiting for a disk may shrink (proc_stat(5)), and with it what isn't busy.
        return min(max(100 * (now[0] - before[0]) / passed, 0.0), 100.0)


def _processors(stat: bytes) -> tuple[int, int]:
    """Ticks of all processors together since the machine was started: those that were busy, and all.

    From the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)).
    """
    times = list(map(int, stat[: stat.find(b"\n")].split()[1:9]))  # guests' are in user and nice, too
    every = sum(times)
    return every - times[3] - times[4], every


def _bytes(meminfo: bytes, key: bytes) -> int:
    """From a line of /proc/meminfo such as ``MemTotal:       24684092 kB`` (proc_meminfo(5)); 0 without it."""
    start = meminfo.find(key)
    return int(meminfo[start + len(key) : meminfo.find(b" kB", start)]) << 10 if start >= 0 else 0


def _traffic(devices: Mapping[int, LinkStatistics] | None) -> Totals[int] | None:
    if devices is None:
        return None
    return {index: (device.rx_bytes, device.tx_bytes) for index, device in devices.items()}


def _growth(now: Totals[Device], before: Totals[Device], counter: int, seconds: float) -> float | None:
    grown = [counters[counter] - before[device][counter] for device, counters in now.items() if device in before]
    return None if min(grown, default=0) < 0 else sum(grown) / seconds
