"""What a process sees in each of its namespaces, in a few words a namespace, for comparing two of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from engine import processes
from engine.linux import namespaces
from engine.model import NamespaceAspect, NamespaceKind, NamespacePortrait
from engine.namespaces.scan import KINDS
from engine.printable import printable

_Found = TypeVar("_Found")
_DEVICES_SHOWN = 4


def portrait(name: str, pid: int) -> NamespacePortrait:
    """All namespaces of a process; kinds that the kernel lacks are left out, and all when the process has gone."""
    aspects = []
    for kind in KINDS:
        with suppress(OSError):
            inode = namespaces.inode(pid, kind)
            aspects.append(NamespaceAspect(kind=kind, inode=inode, contents=_contents(kind, pid)))
    return NamespacePortrait(name=name, pid=pid, aspects=tuple(aspects))


def _contents(kind: NamespaceKind, pid: int) -> str:
    try:
        return _READERS[kind](pid)
    except (OSError, ValueError):  # it has gone, or we may not look
        return ""


def _users(pid: int) -> str:
    return ", ".join(each.words for each in processes.id_map(pid, "uid_map")) or "no ids"


def _mounts(pid: int) -> str:
    lines = _lines(pid, "mountinfo")
    root = next((line.partition(" - ")[2].split()[0] for line in lines if line.split(" ")[4] == "/"), "")
    return f"{len(lines)} mounts, / is {printable(root)}"


def _pids(pid: int) -> str:
    process = processes.read(pid)
    own = namespaces.inode(pid, "pid")
    count = sum(inode == own for _, inode in processes.pid_namespaces())
    levels = " → ".join(map(str, reversed(process.pids))) if process is not None else ""
    return f"{count} {'process' if count == 1 else 'processes'}, pid {levels}"


def _devices(pid: int) -> str:
    names = [printable(line.partition(":")[0].strip()) for line in _lines(pid, "net/dev")[2:]]
    more = f" and {len(names) - _DEVICES_SHOWN} more" if len(names) > _DEVICES_SHOWN else ""
    return ", ".join(sorted(names)[:_DEVICES_SHOWN]) + more


def _host_name(pid: int) -> str:
    return printable(_inside(pid, "uts", lambda: os.uname().nodename) or "")


def _objects(pid: int) -> str:
    def count() -> int:
        return sum(len(_read(f"/proc/sysvipc/{kind}").splitlines()) - 1 for kind in ("shm", "sem", "msg"))

    found = _inside(pid, "ipc", count)
    return "" if found is None else f"{found} System V objects"


def _cgroup(pid: int) -> str:
    """Where the process is as we see it: its own view begins there, or above."""
    paths = [line.partition(":")[2].partition(":")[2] for line in _lines(pid, "cgroup")]
    return printable(max(paths, key=len, default=""))


def _clocks(pid: int) -> str:
    offsets = [line.split() for line in _lines(pid, "timens_offsets")]
    moved = [f"{words[0]} {int(words[1]):+} s" for words in offsets if words[1:] != ["0", "0"]]
    return ", ".join(moved) or "no offsets"


def _inside(pid: int, kind: NamespaceKind, read: Callable[[], _Found]) -> _Found | None:
    """What is read in a namespace, by a thread that enters it and ends there; None where it may not."""
    found: list[_Found] = []

    def look() -> None:
        with suppress(OSError):
            descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                namespaces.setns(descriptor, namespaces.FLAG_BY_ENTRY[kind])
            finally:
                os.close(descriptor)
            found.append(read())

    thread = Thread(target=look, name=f"boxdeck-{kind}")
    thread.start()
    thread.join()
    return found[0] if found else None


def _lines(pid: int, name: str) -> list[str]:
    return _read(f"/proc/{pid}/{name}").splitlines()


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


_READERS: dict[NamespaceKind, Callable[[int], str]] = {
    "user": _users,
    "mnt": _mounts,
    "pid": _pids,
    "net": _devices,
    "uts": _host_name,
    "ipc": _objects,
    "cgroup": _cgroup,
    "time": _clocks,
}
