"""``boxdeck top``: the processes inside a container."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import Document
from engine.cli.formats import binary_size, clock_time, rfc3339
from engine.cli.output import Column, format_argument, list_lines, shortened, write_json, write_lines
from engine.cli.templates import Format
from engine.model import ProcessInfo

if TYPE_CHECKING:
    from engine.engine import Engine

_BETWEEN_LOOKS_SECONDS = 0.25
_UNKNOWN = "--"


class TopOptions(Options):
    """Options of ``top``."""

    container: str
    tree: bool
    pss: bool
    no_trunc: bool
    format: Format


class ProcessRow(Document, frozen=True, kw_only=True):
    """A process with ``--format json``; numbers are numbers, and null is what isn't known."""

    pid: int = field(name="PID")
    parent_pid: int = field(name="PPID")
    pid_inside: int = field(name="PIDInside")
    user: str
    uid: int | None = field(name="UID")
    uid_inside: int | None = field(name="UIDInside")
    state: str
    threads: int
    cpu_percent: float | None = field(name="CPUPercent")
    cpu_usec: int = field(name="CPUUsec")
    memory_bytes: int
    proportional_bytes: int | None
    started_at: str
    command: str


class _Cells(Struct):
    """The same as a table shows it."""

    user: str
    pid: int
    inside: int
    parent: int
    threads: int
    state: str
    cpu: str
    time: str
    memory: str
    shared: str
    started: str
    command: str


_COLUMNS = (
    Column("USER", "user"),
    Column("PID", "pid", is_number=True),
    Column("INSIDE", "inside", is_number=True),
    Column("PPID", "parent", is_number=True),
    Column("THREADS", "threads", is_number=True),
    Column("STATE", "state"),
    Column("CPU %", "cpu", is_number=True),
    Column("TIME", "time", is_number=True),
    Column("RSS", "memory", is_number=True),
    Column("PSS", "shared", is_number=True),
    Column("STARTED", "started"),
    Column("COMMAND", "command"),
)


def _arguments(parser: Parser) -> None:
    parser.remedy = "boxdeck top has columns of its own and takes no options of ps; see: boxdeck top --help"
    add = parser.add_argument
    add("--no-tree", dest="tree", action="store_false", help="don't draw who is whose child")
    add("--pss", action="store_true", help="memory with shared pages divided among those who share them, too (slow)")
    add("--no-trunc", action="store_true", help="don't cut command lines at the terminal's width")
    format_argument(parser)
    add("container", metavar="CONTAINER", help="its name, id or the beginning of its id")


async def _top(engine: Engine, options: TopOptions) -> int:
    await engine.containers.top(options.container)
    await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
    found = await engine.containers.top(options.container, proportional=options.pss)
    if options.format.name == "json":
        write_json([_row(each) for each in found])
    elif options.format.name == "template":
        write_lines(list_lines([_row(each) for each in found], (), options.format))
    else:
        columns = [column for column in _COLUMNS if options.pss or column.field != "shared"]
        stems = tree_stems(found) if options.tree else [""] * len(found)
        cells = [_cells(each, stem) for each, stem in zip(found, stems, strict=True)]
        write_lines(_cut(list_lines(cells, columns, options.format), options.no_trunc))
    return 0


def tree_stems(processes: Sequence[ProcessInfo]) -> list[str]:
    """What stands before each command, when parents stand before their children."""
    known = {each.pid for each in processes}
    children: dict[int, list[int]] = {}
    for each in processes:
        children.setdefault(each.parent_pid if each.parent_pid in known else 0, []).append(each.pid)
    below: dict[int, str] = {}  # what stands before a process's children
    stems = []
    for each in processes:
        parent = each.parent_pid if each.parent_pid in known else 0
        if not parent:
            stems.append("")
            below[each.pid] = ""
            continue
        is_last = children[parent][-1] == each.pid
        stems.append(f"{below[parent]}{'└─ ' if is_last else '├─ '}")
        below[each.pid] = f"{below[parent]}{'   ' if is_last else '│  '}"
    return stems


def _cut(lines: list[str], whole: bool) -> list[str]:
    if whole or not sys.stdout.isatty():
        return lines
    columns = os.get_terminal_size(sys.stdout.fileno()).columns
    return [shortened(line, columns) for line in lines]


def _row(process: ProcessInfo) -> ProcessRow:
    return ProcessRow(
        pid=process.pid,
        parent_pid=process.parent_pid,
        pid_inside=process.pid_inside,
        user=process.user,
        uid=process.uid,
        uid_inside=process.uid_inside,
        state=process.state,
        threads=process.threads,
        cpu_percent=process.cpu_percent,
        cpu_usec=process.cpu_usec,
        memory_bytes=process.memory_bytes,
        proportional_bytes=process.proportional_bytes,
        started_at=rfc3339(process.started_unix_ns),
        command=process.command,
    )


def _cells(process: ProcessInfo, stem: str) -> _Cells:
    shares = process.proportional_bytes
    return _Cells(
        user=process.user,
        pid=process.pid,
        inside=process.pid_inside,
        parent=process.parent_pid,
        threads=process.threads,
        state=process.state,
        cpu=_UNKNOWN if process.cpu_percent is None else f"{process.cpu_percent:.1f}",
        time=_processor_time(process.cpu_usec),
        memory=binary_size(process.memory_bytes),
        shared=_UNKNOWN if shares is None else binary_size(shares),
        started=clock_time(process.started_unix_ns, time.time_ns()),
        command=stem + process.command,
    )


def _processor_time(usec: int) -> str:
    """Minutes, seconds and hundredths, as top(1) has them."""
    minutes, rest = divmod(usec // 10_000, 6000)
    return f"{minutes}:{rest // 100:02d}.{rest % 100:02d}"


TOP = Command(TopOptions, _arguments, with_engine(_top))
