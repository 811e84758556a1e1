"""What keeps the machine's namespaces alive: processes, threads, children to come, descriptors and bind mounts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import get_args

from msgspec import Struct, field

from engine.linux import paths
from engine.model import NamespaceKind
from engine.printable import printable

KINDS: tuple[NamespaceKind, ...] = get_args(NamespaceKind)

_LINK = re.compile(r"([a-z]+):\[(\d+)\]")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Seen(Struct):
    """A namespace while the machine is being looked through.

    Attributes:
        members: pids of the processes that are in it.
        held_by: what else keeps it, in words.
        ways: files that are this namespace when opened.
        place: where it is bind mounted: the pid of somebody who sees that mount, and the path.
    """

    kind: NamespaceKind
    inode: int
    members: list[int] = field(default_factory=list)
    held_by: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    place: tuple[int, str] | None = None

    def open(self) -> int | None:
        """A descriptor of it; None when it can't be had any more."""
        for way in self.ways:
            with suppress(OSError):
                return self._checked(os.open(way, os.O_RDONLY | os.O_CLOEXEC))
        if self.place is not None:
            with suppress(OSError):
                return self._checked(_open_mounted(*self.place, self.inode))
        return None

    def _checked(self, descriptor: int) -> int:
        if os.fstat(descriptor).st_ino == self.inode:
            return descriptor
        os.close(descriptor)
        raise FileNotFoundError(self.inode)


class Scan:
    """One look through /proc; whoever may not be looked at, or leaves meanwhile, is left out."""

    def __init__(self) -> None:
        self.found: dict[int, Seen] = {}
        self._device = os.stat("/proc/self/ns/mnt").st_dev
        for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
            self._take_process(pid)
        for seen in [seen for seen in self.found.values() if seen.kind == "mnt" and seen.members]:
            self._take_mounts(seen.members[0])

    def add(self, kind: NamespaceKind, inode: int) -> Seen:
        """The namespace with this number, known already or not."""
        return self.found.setdefault(inode, Seen(kind, inode))

    def _take_process(self, pid: int) -> None:
        own = dict(_entries(f"/proc/{pid}/ns"))
        for kind, inode in own.items():
            seen = self.add(kind, inode)
            seen.members.append(pid)
            seen.ways.append(f"/proc/{pid}/ns/{kind}")
        if own:
            self._take_children(pid, own)
            self._take_threads(pid, own)
            self._take_descriptors(pid)

    def _hold(self, kind: NamespaceKind, inode: int, words: str, way: str) -> None:
        seen = self.add(kind, inode)
        seen.held_by.append(words)
        seen.ways.append(way)

    def _take_children(self, pid: int, own: dict[NamespaceKind, int]) -> None:
        for kind in ("pid", "time"):
            way = f"/proc/{pid}/ns/{kind}_for_children"
            with suppress(OSError):
                inode = os.stat(way).st_ino
                if inode != own.get(kind):
                    self._hold(kind, inode, f"children of {pid}", way)

    def _take_threads(self, pid: int, own: dict[NamespaceKind, int]) -> None:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                if thread != str(pid):
                    folder = f"/proc/{pid}/task/{thread}/ns"
                    for kind, inode in _entries(folder):
                        if inode != own.get(kind):
                            self._hold(kind, inode, f"thread {thread} of {pid}", f"{folder}/{kind}")

    def _take_descriptors(self, pid: int) -> None:
        if pid == os.getpid():
            return
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    way = f"/proc/{pid}/fd/{number}"
                    if (named := parse_link(os.readlink(way))) is not None and os.stat(way).st_dev == self._device:
                        self._hold(*named, f"fd {number} of {pid}", way)

    def _take_mounts(self, pid: int) -> None:
        with suppress(OSError), open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for (kind, inode), point in parse_mounts(file):
                seen = self.add(kind, inode)
                seen.held_by.append(f"mount {printable(point)}")  # somebody else's choice
                seen.place = seen.place or (pid, point)


def parse_link(text: str) -> tuple[NamespaceKind, int] | None:
    """Kind and number from the text of a namespace's link, such as ``net:[4026531840]``; None for other texts."""
    matched = _LINK.fullmatch(text)
    return next(((kind, int(matched[2])) for kind in KINDS if matched and kind == matched[1]), None)


def parse_mounts(lines: Iterable[str]) -> Iterator[tuple[tuple[NamespaceKind, int], str]]:
    """Bind mounts of namespaces among the lines of a mountinfo (proc_pid_mountinfo(5)): which, and where."""
    for line in lines:
        if " - nsfs " in line:
            fields = line.split()
            if (named := parse_link(fields[3])) is not None:
                yield named, _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), fields[4])


def _entries(folder: str) -> Iterator[tuple[NamespaceKind, int]]:
    for kind in KINDS:
        with suppress(OSError):
            yield kind, os.stat(f"{folder}/{kind}").st_ino


def _open_mounted(pid: int, point: str, inode: int) -> int:
    """Open a bind mount that a process sees, who may be hostile: nothing is opened before it is known what it is."""
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        place = paths.open_in_root(root, point, os.O_PATH)
    finally:
        os.close(root)
    try:
        if os.fstat(place).st_ino != inode:
            raise FileNotFoundError(point)
        return os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    finally:
        os.close(place)
