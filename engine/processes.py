"""Processes as /proc shows them (proc(5)). They come and go while one looks: whoever has gone is left out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal

from msgspec import Struct

from engine.model import IdRange, ProcessInfo
from engine.printable import printable

_KIBIBYTE = 1024


class Process(Struct, frozen=True, kw_only=True):
    """A process.

    Attributes:
        pids: its pid in each pid namespace that it is visible in, from ours to its own (``NSpid``).
        memory_bytes: resident (``VmRSS``); 0 for a zombie.
        uid: whose rights it has (the effective one), as our user namespace sees it.
    """

    pid: int
    parent_pid: int
    pids: tuple[int, ...]
    command: str
    threads: int
    memory_bytes: int
    uid: int

    def seen_at(self, depth: int) -> ProcessInfo:
        """What front ends get to see, with the pid that it has `depth` pid namespaces below ours."""
        return ProcessInfo(
            pid=self.pid,
            parent_pid=self.parent_pid,
            pid_inside=self.pids[min(depth, len(self.pids) - 1)],
            command=self.command,
            threads=self.threads,
            memory_bytes=self.memory_bytes,
        )


def parents_first(members: Iterable[Process]) -> Iterator[Process]:
    """Depth first from those whose parent isn't among them; siblings by their pids."""
    known = {process.pid: process for process in members}
    children: dict[int, list[Process]] = defaultdict(list)
    for process in sorted(known.values(), key=lambda each: each.pid, reverse=True):
        children[process.parent_pid if process.parent_pid in known else 0].append(process)
    pending = children[0]
    while pending:
        process = pending.pop()
        yield process
        pending.extend(children[process.pid])


def pid_namespaces() -> Iterator[tuple[int, int]]:
    """The pid of every process and the inode number of the pid namespace that it lives in."""
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with suppress(OSError):
                yield int(entry), os.stat(f"/proc/{entry}/ns/pid").st_ino


def read(pid: int) -> Process | None:
    """A process, or None when it has gone."""
    try:
        return parse(pid, _text(pid, "status"), _bytes(pid, "cmdline"))
    except OSError:
        return None


def cgroups_of(pid: int) -> str:
    """The text of /proc/PID/cgroup; empty when the process has gone."""
    try:
        return _text(pid, "cgroup")
    except OSError:
        return ""


def id_map(pid: int | None, name: Literal["uid_map", "gid_map"]) -> tuple[IdRange, ...]:
    """The ids of the user namespace that a process is in; none when it has gone."""
    try:
        return parse_id_map(_text(pid, name))
    except OSError:
        return ()


def parse_id_map(text: str) -> tuple[IdRange, ...]:
    """The lines of /proc/PID/uid_map or gid_map (user_namespaces(7))."""
    rows = (line.split() for line in text.splitlines())
    return tuple(IdRange(inside=int(a), outside=int(b), length=int(n)) for a, b, n in rows)


def parse(pid: int, status: str, command_line: bytes) -> Process:
    """A process from the contents of /proc/PID/status and /proc/PID/cmdline.

    Raises:
        KeyError: a line that every kernel since 4.1 writes is missing.
    """
    fields = {key: value.strip() for key, _, value in (line.partition(":") for line in status.splitlines())}
    return Process(
        pid=pid,
        parent_pid=int(fields["PPid"]),
        pids=tuple(int(word) for word in fields["NSpid"].split()),
        command=parse_command_line(command_line, fields["Name"]),
        threads=int(fields["Threads"]),
        memory_bytes=int(fields.get("VmRSS", "0").split()[0]) * _KIBIBYTE,
        uid=int(fields["Uid"].split()[1]),
    )


def parse_command_line(data: bytes, name: str) -> str:
    """Arguments joined by spaces, made fit to show; a process without any (a zombie) as ``[name]``, like ps(1)."""
    if not data.strip(b"\0"):
        return printable(f"[{name}]")
    text = data.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return printable(text)


def _text(pid: int | None, name: str) -> str:
    return _bytes(pid, name).decode(errors="replace")


def _bytes(pid: int | None, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()
