"""The few figures of a cgroup that its shim records every second: the cheapest reader that there can be."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from engine.cgroups.layout import Layout

UNKNOWN = float("nan")
_READ_BYTES = 8192  # the longest is io.stat, with a line for each disk
_FILES_V2 = ("cpu.stat", "memory.current", "memory.stat", "io.stat", "pids.current")
_FILES_V1 = (
    ("cpuacct", "cpuacct.usage"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.stat"),
    ("blkio", "blkio.throttle.io_service_bytes_recursive"),
    ("pids", "pids.current"),
)


class Vitals(NamedTuple):
    """Totals and levels at one moment; NaN where there is no such controller.

    Attributes:
        cpu_seconds: processor time since the cgroup was made.
        memory_bytes: without inactive file pages, which can be dropped at once.
        read_bytes, written_bytes: of all block devices.
        pids: processes and threads.
    """

    cpu_seconds: float
    memory_bytes: float
    read_bytes: float
    written_bytes: float
    pids: float


class VitalsReader:
    """Reads a cgroup again and again through descriptors that stay open.

    Args:
        machine: what control groups there are.
        path: of the cgroup, below the top of each hierarchy.

    Raises:
        OSError: ENOENT, there is no such cgroup; EMFILE, too many descriptors.
    """

    def __init__(self, machine: Layout, path: str) -> None:
        self._parse = parse_v2 if machine.version == "v2" else parse_v1
        self._descriptors: list[int] = []
        try:
            for file in _files(machine, path):
                self._descriptors.append(_open(file))
            if max(self._descriptors) < 0:
                raise FileNotFoundError(errno.ENOENT, "no such cgroup", path)
        except OSError:
            self.close()
            raise

    def read(self) -> Vitals:
        """What it uses now.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        return self._parse([_read(descriptor) for descriptor in self._descriptors])

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self._descriptors:
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptors.clear()


def parse_v2(contents: Sequence[bytes | None]) -> Vitals:
    """From cpu.stat, memory.current, memory.stat, io.stat, pids.current (cgroup-v2.rst); None for a file left out."""
    cpu, memory, memory_stat, io, pids = contents
    return Vitals(
        UNKNOWN if cpu is None else _number_after(cpu, b"usage_usec ") / 1e6,
        _working_set(memory, memory_stat, b"\ninactive_file "),
        *_sums(io, b" rbytes=", b" wbytes="),
        UNKNOWN if pids is None else int(pids),
    )


def parse_v1(contents: Sequence[bytes | None]) -> Vitals:
    """From cpuacct.usage, memory.usage_in_bytes, memory.stat, blkio's bytes, pids.current; None for a file left out."""
    cpu, memory, memory_stat, io, pids = contents
    return Vitals(
        UNKNOWN if cpu is None else int(cpu) / 1e9,
        _working_set(memory, memory_stat, b"\ntotal_inactive_file "),
        *_sums(io, b" Read ", b" Write "),
        UNKNOWN if pids is None else int(pids),
    )


def _number_after(text: bytes, key: bytes, start: int = 0) -> int:
    """The number that follows a key, and ends with white space or the text; 0 where the key doesn't occur."""
    at = text.find(key, start)
    return int(text[at + len(key) :].split(None, 1)[0]) if at >= 0 else 0


def _working_set(memory: bytes | None, stat: bytes | None, key: bytes) -> float:
    if memory is None or stat is None:
        return UNKNOWN
    return max(int(memory) - _number_after(stat, key), 0)


def _sums(io: bytes | None, read: bytes, written: bytes) -> tuple[float, float]:
    return (UNKNOWN, UNKNOWN) if io is None else (_sum(io, read), _sum(io, written))


def _sum(text: bytes, key: bytes) -> int:
    """Over all devices."""
    total = 0
    at = text.find(key)
    while at >= 0:
        total += _number_after(text, key, at)
        at = text.find(key, at + 1)
    return total


def _files(machine: Layout, path: str) -> list[str]:
    if machine.version == "v2":
        return [f"{machine.unified}{path}/{file}" for file in _FILES_V2]
    tops = {controller: hierarchy.point for hierarchy in machine.hierarchies for controller in hierarchy.controllers}
    # A controller that isn't mounted has no top: its file is looked for where none can be.
    return [f"{tops.get(controller, '/proc/self/absent')}{path}/{file}" for controller, file in _FILES_V1]


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return -1


def _read(descriptor: int) -> bytes | None:
    return os.pread(descriptor, _READ_BYTES, 0) if descriptor >= 0 else None
