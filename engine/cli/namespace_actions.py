"""``boxdeck ns run`` and ``ns enter``: this process becomes the small program that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engine.cli.command import Roots, with_engine
from engine.cli.output import ListOptions
from engine.model import IdRange, NamespaceKind, NamespaceRun, NamespaceVisit
from engine.namespaces.scan import KINDS
from engine.namespaces.shell import run_program, visit_program
from engine.namespaces.start import Program
from engine.paths import Paths

if TYPE_CHECKING:
    from engine.engine import Engine


class NsOptions(ListOptions):
    """Options of ``ns``: of lists, of ``compare``, of ``run`` and ``enter``, of ``run`` alone, of ``enter`` alone."""

    what: Literal["ls", "tree", "compare", "run", "enter"]
    type: list[NamespaceKind]

    targets: list[str]

    kinds: list[NamespaceKind]
    verbose: bool
    command: list[str]

    all: bool
    map: list[IdRange] | None
    hostname: str | None
    boot_offset: int
    by: Literal["auto", "clone", "unshare"]
    no_proc: bool

    target: str
    identity: tuple[int, int]
    workdir: str | None
    privileged: bool


def run(options: NsOptions) -> int:
    """Become the command in fresh namespaces."""
    run_program(_run_request(options)).replace_us()


def _run_request(options: NsOptions) -> NamespaceRun:
    chosen = {
        *(KINDS if options.all else options.kinds),
        *(["user"] if options.map else []),
        *(["uts"] if options.hostname is not None else []),
        *(["time"] if options.boot_offset else []),
    }
    return NamespaceRun(
        kinds=tuple(kind for kind in KINDS if kind in chosen),
        argv=tuple(options.command),
        id_map=tuple(options.map or ()),
        hostname=options.hostname,
        boot_offset_seconds=options.boot_offset,
        by=options.by,
        fresh_proc=not options.no_proc,
        verbose=options.verbose,
    )


def enter(roots: Roots, options: NsOptions) -> int:
    """Become the command in somebody's namespaces; an engine is asked only for a container, and closed before."""
    import asyncio
    import os

    request = NamespaceVisit(
        target=options.target,
        kinds=tuple(options.kinds),
        argv=tuple(options.command),
        uid=options.identity[0],
        gid=options.identity[1],
        working_dir=options.workdir,
        privileged=options.privileged,
        verbose=options.verbose,
    )
    found: list[Program] = []

    async def look_up(engine: Engine, _: NsOptions) -> int:
        found.append(await visit_program(request, engine.containers.get))
        return 0

    if os.path.exists(f"/proc/{request.target}/ns") or not Paths.resolve(*roots).database.exists():
        found.append(asyncio.run(visit_program(request, None)))
    else:
        with_engine(look_up)(roots, options)
    found[0].replace_us()
