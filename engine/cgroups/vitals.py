"""The few figures of a cgroup that are recorded every second: the cheapest reader that there can be."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from engine.cgroups.layout import Layout
from engine.cgroups.statistics.files import LOOKS_TO_A_CONTROLLER, KernelFile, SlowFile

UNKNOWN = float("nan")
_READ_BYTES = 8192  # the longest is io.stat, with a line for each disk
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")  # v1's cpuacct.stat counts in them
_EACH_V2 = ("cpu.stat", "memory.current", "memory.stat", "io.stat", "pids.current")
_EACH_V1 = (
    ("cpuacct", "cpuacct.usage"),
    ("cpuacct", "cpuacct.stat"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.stat"),
    ("blkio", "blkio.throttle.io_service_bytes_recursive"),
    ("pids", "pids.current"),
)
_TURNS_V2 = ("memory.swap.current", "cpu.pressure", "memory.pressure", "io.pressure")
_TURNS_V1 = (("memory", "memory.kmem.usage_in_bytes"),)
_NOWHERE = "/proc/self/absent"


class Vitals(NamedTuple):
    """Totals and levels at one moment; NaN where there is no such controller, and for what a kernel doesn't tell.

    Attributes:
        cpu_seconds, system_seconds: processor time since the cgroup was made, and the kernel's part of it.
        memory_bytes: without inactive file pages, which can be dropped at once.
        anonymous_bytes, file_bytes, kernel_bytes, swap_bytes: memory by kind.
        read_bytes, written_bytes: of all block devices.
        cpu_stalled_percent, memory_stalled_percent, io_stalled_percent: how much of the last ten seconds somebody
            waited, which the kernel works out every two.
        pids: processes and threads.
    """

    cpu_seconds: float = UNKNOWN
    system_seconds: float = UNKNOWN
    memory_bytes: float = UNKNOWN
    anonymous_bytes: float = UNKNOWN
    file_bytes: float = UNKNOWN
    kernel_bytes: float = UNKNOWN
    swap_bytes: float = UNKNOWN
    read_bytes: float = UNKNOWN
    written_bytes: float = UNKNOWN
    cpu_stalled_percent: float = UNKNOWN
    memory_stalled_percent: float = UNKNOWN
    io_stalled_percent: float = UNKNOWN
    pids: float = UNKNOWN


class VitalsReader:
    """Reads a cgroup again and again through descriptors that stay open.

    Swap, kernel memory on v1 and pressure move slowly, and are read in turn: one of them a look.

    Args:
        machine: what control groups there are.
        path: of the cgroup, below the top of each hierarchy.

    Raises:
        OSError: ENOENT, there is no such cgroup; EMFILE, too many descriptors.
    """

    def __init__(self, machine: Layout, path: str) -> None:
        self._parse = parse_v2 if machine.version == "v2" else parse_v1
        self._machine = machine
        self._path = path
        self._looks = 0
        self._open()

    def _open(self) -> None:
        self._each: list[KernelFile] = []
        self._in_turn: list[SlowFile[float]] = []
        each, in_turn = _files(self._machine, self._path)
        try:
            for file in each:
                self._each.append(KernelFile(file, _READ_BYTES))
            if not any(file.is_there for file in self._each):
                raise FileNotFoundError(errno.ENOENT, "no such cgroup", self._path)
            for file in in_turn:
                self._in_turn.append(SlowFile(file, _stalled if file.endswith("pressure") else _level))
        except OSError:
            self.close()
            raise

    def read(self) -> Vitals:
        """What it uses now.

        Raises:
            OSError: ENODEV or ENOENT, the cgroup has gone.
        """
        if not (self._looks + 1) % LOOKS_TO_A_CONTROLLER and any(file.has_come for file in self._all):
            self.close()
            self._open()
        at = self._looks % len(self._in_turn)
        for file in self._in_turn[at : at + 1] if self._looks else self._in_turn:
            file.refresh()
        self._looks += 1
        contents = [file.read() if file.is_there else None for file in self._each]
        return self._parse(contents, [file.value for file in self._in_turn])

    def close(self) -> None:
        """Close the descriptors."""
        for file in self._all:
            file.close()

    @property
    def _all(self) -> tuple[KernelFile, ...]:
        return (*self._each, *self._in_turn)


def parse_v2(contents: Sequence[bytes | None], in_turn: Sequence[float]) -> Vitals:
    """From what is read each time, which is None for a file left out, and from swap and pressure (cgroup-v2.rst)."""
    cpu, memory, stat, io, pids = contents
    swap_bytes, cpu_stalled, memory_stalled, io_stalled = in_turn
    read_bytes, written_bytes = _sums(io, b" rbytes=", b" wbytes=")
    return Vitals(
        _after(cpu, b"usage_usec ") / 1e6,
        _after(cpu, b"\nsystem_usec ") / 1e6,
        _working_set(memory, stat, b"\ninactive_file "),
        _after(stat, b"anon "),
        _after(stat, b"\nfile "),
        _after(stat, b"\nkernel "),
        swap_bytes,
        read_bytes,
        written_bytes,
        cpu_stalled,
        memory_stalled,
        io_stalled,
        _level(pids),
    )


def parse_v1(contents: Sequence[bytes | None], in_turn: Sequence[float]) -> Vitals:
    """As `parse_v2`, with the kernel's memory in turn; this kernel tells no pressure (cgroup-v1/*.rst)."""
    usage, times, memory, stat, io, pids = contents
    (kernel_bytes,) = in_turn
    read_bytes, written_bytes = _sums(io, b" Read ", b" Write ")
    return Vitals(
        _level(usage) / 1e9,
        _after(times, b"system ") / _TICKS_PER_SECOND,
        _working_set(memory, stat, b"\ntotal_inactive_file "),
        _after(stat, b"\ntotal_rss "),
        _after(stat, b"\ntotal_cache "),
        kernel_bytes,
        _after(stat, b"\ntotal_swap "),
        read_bytes,
        written_bytes,
        pids=_level(pids),
    )


def _after(text: bytes | None, key: bytes, start: int = 0) -> float:
    """The number that follows a key, and ends with white space or the text."""
    at = text.find(key, start) if text is not None else -1
    return float(text[at + len(key) :].split(None, 1)[0]) if text is not None and at >= 0 else UNKNOWN


def _level(text: bytes | None) -> float:
    """The one number of a file."""
    return float(text) if text else UNKNOWN


def _stalled(pressure: bytes) -> float:
    """How much of the last ten seconds somebody waited, in percent (accounting/psi.rst)."""
    return _after(pressure, b"some avg10=")


def _working_set(memory: bytes | None, stat: bytes | None, key: bytes) -> float:
    return max(_level(memory) - _after(stat, key), 0.0) if memory and stat else UNKNOWN


def _sums(io: bytes | None, read: bytes, written: bytes) -> tuple[float, float]:
    return (UNKNOWN, UNKNOWN) if io is None else (_sum(io, read), _sum(io, written))


def _sum(text: bytes, key: bytes) -> float:
    """Over all devices."""
    total = 0.0
    at = text.find(key)
    while at >= 0:
        total += _after(text, key, at)
        at = text.find(key, at + 1)
    return total


def _files(machine: Layout, path: str) -> tuple[list[str], list[str]]:
    """Those that are read each time, and those that are in turn."""
    if machine.version == "v2":
        folder = f"{machine.unified}{path}"
        return [f"{folder}/{file}" for file in _EACH_V2], [f"{folder}/{file}" for file in _TURNS_V2]
    tops = {controller: hierarchy.point for hierarchy in machine.hierarchies for controller in hierarchy.controllers}
    # A controller that isn't mounted has no top: its file is looked for where none can be.
    each, in_turn = (
        [f"{tops.get(controller, _NOWHERE)}{path}/{file}" for controller, file in files]
        for files in (_EACH_V1, _TURNS_V1)
    )
    return each, in_turn
