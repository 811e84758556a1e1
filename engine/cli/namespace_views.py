"""``boxdeck ns tree`` and ``boxdeck ns compare``: namespaces by kind, and those of two side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.cli.command import Roots, with_engine
from engine.cli.output import aligned, shortened, write_json, write_lines
from engine.model import NamespaceEntry, NamespacePortrait
from engine.namespaces.explained import EXPLAINED
from engine.namespaces.nesting import Nested, nested

if TYPE_CHECKING:
    from engine.cli.namespace_actions import NsOptions
    from engine.engine import Engine

_COMMAND_WIDTH = 40
_CELL_WIDTH = 48


def tree(roots: Roots, options: NsOptions) -> int:
    """Print the namespaces of every kind as a tree, with what a kind is."""
    return with_engine(_tree)(roots, options)


async def _tree(engine: Engine, options: NsOptions) -> int:
    entries = await engine.namespaces.list()
    for kind, explanation in EXPLAINED.items():
        own = [entry for entry in entries if entry.kind == kind]
        if own and (not options.type or kind in options.type):
            write_lines([f"{kind}  {explanation.title}, by {explanation.call}", f"  {explanation.sentences}"])
            write_lines([f"  {_stem(each)}{_words(each.entry)}" for each in nested(own)])
    return 0


def _stem(each: Nested) -> str:
    if not each.depth:
        return ""
    above = "".join("   " if is_last else "│  " for is_last in each.is_last[1:-1])
    return above + ("└─ " if each.is_last[-1] else "├─ ")


def _words(entry: NamespaceEntry) -> str:
    return "  ".join(filter(None, _facts(entry)))


def _facts(entry: NamespaceEntry) -> Iterator[str]:
    yield str(entry.inode)
    yield "(host)" if entry.is_host else ", ".join(entry.containers)
    yield f"ids {', '.join(each.words for each in entry.uid_map)}" if entry.uid_map else ""
    yield f"pid {' → '.join(map(str, reversed(entry.pids)))}" if len(entry.pids) > 1 else ""
    yield f"{entry.processes} in it" if entry.processes else f"kept by {', '.join(entry.held_by)}"
    yield "" if entry.is_host else shortened(entry.command, _COMMAND_WIDTH)


def compare(roots: Roots, options: NsOptions) -> int:
    """Print two portraits side by side."""
    return with_engine(_compare)(roots, options)


async def _compare(engine: Engine, options: NsOptions) -> int:
    portraits = [await engine.namespaces.portrait(name) for name in ("", *options.targets)]
    if options.format.name == "json":
        write_json(portraits)
    else:
        write_lines(comparison(portraits))
    return 0


def comparison(portraits: Sequence[NamespacePortrait]) -> list[str]:
    """A line for each kind; a namespace that was named before in its line is the same as there."""
    rows = [["KIND", *(portrait.name.upper() for portrait in portraits)]]
    for aspect in portraits[0].aspects:
        row: list[str] = [aspect.kind]
        seen: dict[int, str] = {}
        for portrait in portraits:
            own = next((each for each in portrait.aspects if each.kind == aspect.kind), None)
            if own is None:
                row.append("-")
            elif own.inode in seen:
                row.append(f"= {seen[own.inode]}")
            else:
                seen[own.inode] = portrait.name
                row.append(shortened(f"{own.inode} {own.contents}".rstrip(), _CELL_WIDTH))
        rows.append(row)
    return aligned(rows, ())
