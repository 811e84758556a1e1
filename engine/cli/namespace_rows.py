"""``boxdeck ns ls``: namespaces as a table or as JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.cli.command import Roots, with_engine
from engine.cli.output import Column, shortened, show_list
from engine.model import NamespaceEntry
from engine.paths import Paths

if TYPE_CHECKING:
    from engine.cli.namespace_actions import NsOptions
    from engine.engine import Engine

_COMMAND_WIDTH = 40


class _Row(Struct, rename="pascal"):
    """One line of ``ns ls``, and with ``--format json`` one document."""

    type: str
    inode: int
    host: bool
    owner: int | None
    owner_uid: int | None
    parent: int | None
    processes: int
    pid: int | None
    command: str
    containers: tuple[str, ...]
    held_by: tuple[str, ...]


class _Cells(Struct):
    """The same as a table shows it."""

    type: str
    inode: str
    owner: str
    uid: str
    parent: str
    processes: str
    pid: str
    container: str
    command: str


_COLUMNS = tuple(
    Column(heading, heading.lower())
    for heading in ("TYPE", "INODE", "OWNER", "UID", "PARENT", "PROCESSES", "PID", "CONTAINER", "COMMAND")
)


def _row(entry: NamespaceEntry) -> _Row:
    return _Row(
        type=entry.kind,
        inode=entry.inode,
        host=entry.is_host,
        owner=entry.owner_inode,
        owner_uid=entry.owner_uid,
        parent=entry.parent_inode,
        processes=entry.processes,
        pid=entry.pid,
        command=entry.command,
        containers=entry.containers,
        held_by=entry.held_by,
    )


def _cells(entry: NamespaceEntry, is_whole: bool) -> _Cells:
    words = entry.command if entry.processes else f"({', '.join(entry.held_by)})"
    return _Cells(
        type=entry.kind,
        inode=str(entry.inode),
        owner=_or_dash(entry.owner_inode),
        uid=_or_dash(entry.owner_uid),
        parent=_or_dash(entry.parent_inode),
        processes=str(entry.processes),
        pid=_or_dash(entry.pid),
        container="(host)" if entry.is_host else ", ".join(entry.containers) or "-",
        command=words if is_whole else shortened(words, _COMMAND_WIDTH),
    )


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def ls(roots: Roots, options: NsOptions) -> int:
    """List them; works without root, on what may be seen then, and where there has never been an engine."""
    if os.geteuid() == 0 and Paths.resolve(roots.root, roots.runroot).database.exists():
        return with_engine(_ls_with_names)(roots, options)
    import asyncio

    from engine.namespaces.namespaces import Namespaces

    return _show(asyncio.run(Namespaces().list()), options)


async def _ls_with_names(engine: Engine, options: NsOptions) -> int:
    return _show(await engine.namespaces.list(), options)


def _show(entries: Sequence[NamespaceEntry], options: NsOptions) -> int:
    wanted = [entry for entry in entries if not options.type or entry.kind in options.type]
    is_plain = options.quiet or options.format.is_plain
    rows = [_row(entry) if is_plain else _cells(entry, options.no_trunc) for entry in wanted]
    show_list(rows, _COLUMNS, "inode", options)
    return 0
