"""Which network namespaces the machine has, and who holds each: processes, bind mounts, descriptors."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress

from msgspec import Struct, field

from engine.printable import printable

_LINK = re.compile(r"net:\[(\d+)\]")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_FOREIGN = re.compile(r"(docker|libpod|crio|cri-containerd|containerd|boxdeck)[^/\n]*[-/:]([0-9a-f]{64})")
_DESCRIPTORS_SECONDS = 10.0
"""Looking at all descriptors of all processes takes fifty times as long as at the processes."""


class Place(Struct):
    """A network namespace that somebody holds.

    Attributes:
        ways: files that are this namespace when opened.
        pid: of the first process in it, or of one that has a descriptor of it.
        point: where it is bind mounted.
    """

    inode: int
    ways: list[str] = field(default_factory=list)
    pid: int | None = None
    point: str = ""

    def is_there(self) -> bool:
        """Whether one of the ways leads to it still."""
        return any(_inode(way) == self.inode for way in self.ways)

    def open(self) -> int | None:
        """A descriptor of it; None when it has gone."""
        for way in self.ways:
            with suppress(OSError):
                descriptor = os.open(way, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                if os.fstat(descriptor).st_ino == self.inode:
                    return descriptor
                os.close(descriptor)
        return None


class Places:
    """Looks for namespaces, again and again; what is costly to find is remembered for a while."""

    def __init__(self) -> None:
        self._held: list[tuple[int, str, int]] = []
        self._held_until = 0.0

    def look(self, is_thorough: bool = False) -> dict[int, Place]:
        """Those that there are now, by their inodes.

        Args:
            is_thorough: look for descriptors now, whenever that was done last.
        """
        found: dict[int, Place] = {}
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
        for pid in pids:
            if (inode := inode_of(pid)) is not None:
                place = found.setdefault(inode, Place(inode, pid=pid))
                place.ways.append(f"/proc/{pid}/ns/net")
        for inode, point in _mounted():
            place = found.setdefault(inode, Place(inode))
            place.ways.append(point)
            place.point = place.point or point
        if is_thorough or time.monotonic() >= self._held_until:
            self._held = [held for pid in pids for held in _descriptors(pid)]
            self._held_until = time.monotonic() + _DESCRIPTORS_SECONDS
        for inode, way, pid in self._held:
            if inode not in found and _inode(way) == inode:
                found[inode] = Place(inode, ways=[way], pid=pid)
        return found


def inode_of(pid: int) -> int | None:
    """The number of the network namespace that a process is in; None when it has gone."""
    return _inode(f"/proc/{pid}/ns/net")


def command_of(pid: int) -> str:
    """The name of a process; empty when it has gone."""
    with suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return printable(file.read().rstrip("\n"))
    return ""


def foreign_container(pid: int) -> str:
    """Which container of another program or root a process is in, by the name of its control group; or nothing."""
    with suppress(OSError), open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
        return parse_control_group(file.read())
    return ""


def parse_control_group(text: str) -> str:
    """A program and the id of its container from the names of control groups (proc_pid_cgroup(5))."""
    found = _FOREIGN.search(text)
    return f"{'podman' if found[1] == 'libpod' else found[1]} {found[2][:12]}" if found else ""


def _inode(way: str) -> int | None:
    """The number of a network namespace's link; None for anything else, or where nothing may be seen."""
    try:
        found = _LINK.fullmatch(os.readlink(way))
    except OSError:
        return None
    return int(found[1]) if found else None


def _descriptors(pid: int) -> Iterator[tuple[int, str, int]]:
    if pid == os.getpid():
        return
    with suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            way = f"/proc/{pid}/fd/{number}"
            if (inode := _inode(way)) is not None:
                yield inode, way, pid


def _mounted() -> Iterator[tuple[int, str]]:
    """Network namespaces that are bind mounted where we see it (proc_pid_mountinfo(5)): which, and where."""
    with suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            if " - nsfs " in line:
                fields = line.split()
                if found := _LINK.fullmatch(fields[3]):
                    yield int(found[1]), _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
