"""What a cgroup uses: a handful of kernel files, kept open, read in one go and picked apart by key and position."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.cgroups.folders import PAYLOAD
from engine.cgroups.layout import Layout

_READ_BYTES = 16_384  # memory.stat is about 2 KiB, io.stat grows with the number of disks
_NANOSECONDS_PER_USEC = 1000

_FILES_V2 = ("cpu.stat", "memory.current", "memory.stat", "memory.events", "pids.current", "io.stat")
_FILES_V1 = (
    ("cpuacct", "cpuacct.usage"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.stat"),
    ("memory", "memory.oom_control"),
    ("pids", "pids.current"),
    ("blkio", "blkio.throttle.io_service_bytes_recursive"),
)
FILES_PER_CGROUP = len(_FILES_V1)

Parser = Callable[[Sequence[bytes]], "Usage"]


class Usage(Struct, frozen=True):
    """Totals and levels of one cgroup at one moment.

    Attributes:
        cpu_usage_usec: processor time since the cgroup was made.
        memory_bytes: in use without inactive file pages, which can be dropped at once (docker's figure).
        memory_cache_bytes: all page cache in it.
        pids: processes and threads.
        oom_kills: processes that the kernel killed for memory.
    """

    cpu_usage_usec: int = 0
    memory_bytes: int = 0
    memory_cache_bytes: int = 0
    pids: int = 0
    oom_kills: int = 0
    block_read_bytes: int = 0
    block_written_bytes: int = 0


class UsageReader:
    """Reads one cgroup again and again through descriptors that stay open.

    Args:
        paths: the files; those of controllers that aren't there are left out.
        parse: makes a `Usage` of their contents, in the same order; a file left out is empty.

    Raises:
        FileNotFoundError: there is no such cgroup at all.
    """

    def __init__(self, paths: Sequence[str], parse: Parser) -> None:
        self._parse = parse
        self._descriptors: list[int] = []
        try:
            self._descriptors.extend(map(_open, paths))
        except OSError:  # EMFILE
            self.close()
            raise
        if max(self._descriptors) < 0:
            raise FileNotFoundError(2, "no such cgroup", paths[0])

    def read(self) -> Usage | None:
        """What it uses now; None when the cgroup has gone, which the first read tells."""
        try:
            return self._parse([_read(descriptor) for descriptor in self._descriptors])
        except OSError:  # ENODEV
            return None

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self._descriptors:
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptors.clear()


def read_once(layout: Layout, path: str) -> Usage | None:
    """What the cgroup at a path uses now; None when it has gone."""
    try:
        reader = open_usage(layout, path)
    except OSError:
        return None
    try:
        return reader.read()
    finally:
        reader.close()


def open_usage(layout: Layout, path: str) -> UsageReader:
    """A reader of the cgroup at a path below the top of each hierarchy, such as ``/boxdeck/3f2a…``.

    Raises:
        FileNotFoundError: there is no such cgroup.
        OSError: EMFILE, too many descriptors.
    """
    if layout.version == "v2":
        return UsageReader([f"{layout.unified}{path}/{file}" for file in _FILES_V2], parse_v2)
    tops = {controller: hierarchy.point for hierarchy in layout.hierarchies for controller in hierarchy.controllers}
    # A controller that isn't mounted has no top: its file is looked for where none can be.
    paths = [f"{tops.get(controller, '/proc/self/absent')}{path}/{file}" for controller, file in _FILES_V1]
    return UsageReader([_counting(path) for path in paths], parse_v1)


def _counting(path: str) -> str:
    """Where OOM kills are counted: on v1 only in the very cgroup that the processes are in."""
    folder, file = os.path.split(path)
    below = f"{folder}/{PAYLOAD}/{file}"
    return below if file == "memory.oom_control" and os.path.exists(below) else path


def parse_v2(contents: Sequence[bytes]) -> Usage:
    """From cpu.stat, memory.current, memory.stat, memory.events, pids.current and io.stat (cgroup-v2.rst)."""
    cpu, memory, memory_stat, memory_events, pids, io = contents
    read_bytes, written_bytes = _io_v2(io)
    return Usage(
        cpu_usage_usec=_after(cpu, b"usage_usec "),
        memory_bytes=max(_number(memory) - _after(memory_stat, b"\ninactive_file "), 0),
        memory_cache_bytes=_after(memory_stat, b"\nfile "),
        pids=_number(pids),
        oom_kills=_after(memory_events, b"\noom_kill "),
        block_read_bytes=read_bytes,
        block_written_bytes=written_bytes,
    )


def parse_v1(contents: Sequence[bytes]) -> Usage:
    """From cpuacct.usage, memory.usage_in_bytes, memory.stat, memory.oom_control, pids.current and blkio's bytes."""
    cpu, memory, memory_stat, oom_control, pids, blkio = contents
    read_bytes, written_bytes = _io_v1(blkio)
    return Usage(
        cpu_usage_usec=_number(cpu) // _NANOSECONDS_PER_USEC,
        memory_bytes=max(_number(memory) - _after(memory_stat, b"\ntotal_inactive_file "), 0),
        memory_cache_bytes=_after(memory_stat, b"\ntotal_cache "),
        pids=_number(pids),
        oom_kills=_after(oom_control, b"\noom_kill "),
        block_read_bytes=read_bytes,
        block_written_bytes=written_bytes,
    )


def _io_v2(text: bytes) -> tuple[int, int]:
    """Lines such as ``8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0``."""
    read_bytes = written_bytes = 0
    for line in text.splitlines():
        read_bytes += _after(line, b" rbytes=")
        written_bytes += _after(line, b" wbytes=")
    return read_bytes, written_bytes


def _io_v1(text: bytes) -> tuple[int, int]:
    """Lines such as ``8:0 Read 4096``, and one ``Total 4096`` at the end."""
    read_bytes = written_bytes = 0
    for line in text.splitlines():
        fields = line.split(b" ")
        if len(fields) == 3 and fields[1] == b"Read":
            read_bytes += int(fields[2])
        elif len(fields) == 3 and fields[1] == b"Write":
            written_bytes += int(fields[2])
    return read_bytes, written_bytes


def _after(text: bytes, key: bytes) -> int:
    """The number that follows a key; 0 where the key doesn't occur."""
    at = text.find(key)
    if at < 0:
        return 0
    start = at + len(key)
    end = start
    while text[end : end + 1].isdigit():
        end += 1
    return _number(text[start:end])


def _number(text: bytes) -> int:
    return int(text) if text else 0


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return -1


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, _READ_BYTES, 0) if descriptor >= 0 else b""
