"""``boxdeck cgroup tree``: control groups with limits and use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from engine.cli.cgroup_rows import Scope, tree_lines
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import in_pascal_case
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.errors import NotFound
from engine.model import CgroupNode

if TYPE_CHECKING:
    from engine.engine import Engine

_TREE = """Control groups with who is in them, what they use and what limits them: Boxdeck's own and those of all
containers, of one container, or with --host the machine's, which are only read. Where a limit stands with an arrow, a
cgroup above sets it. Where control groups are of version 1, the folders of all hierarchies are one tree."""

_BETWEEN_LOOKS_SECONDS = 0.25


class CgroupOptions(Options):
    """Options of ``cgroup tree``."""

    what: str
    container: str | None
    scope: Scope
    no_trunc: bool
    format: Format


def _arguments(parser: Parser) -> None:
    verbs = parser.add_subparsers(dest="what", metavar="tree", required=True, parser_class=Parser)
    tree = verbs.add_parser("tree", help="show them", description=_TREE, allow_abbrev=False, add_help=False)
    tree.add_argument("--help", action="help", help="show this help")
    scope = tree.add_mutually_exclusive_group()
    scope.add_argument(
        "-a", "--all", dest="scope", action="store_const", const="all", default="containers",
        help="those below containers' own, too",
    )  # fmt: skip
    scope.add_argument("--host", dest="scope", action="store_const", const="host", help="the machine's, from the top")
    tree.add_argument("--no-trunc", action="store_true", help="don't cut lines at the terminal's width")
    format_argument(tree)
    tree.add_argument("container", metavar="CONTAINER", nargs="?", help="only its own and those below")


async def _cgroup(engine: Engine, options: CgroupOptions) -> int:
    wanted = (await engine.containers.get(options.container)).id if options.container else None
    await engine.cgroup_tree(host=options.scope == "host")
    await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
    tree = await engine.cgroup_tree(host=options.scope == "host")
    if wanted:
        tree = _of(tree, wanted, options.container or "")
    if options.format.name == "json":
        write_json(in_pascal_case(msgspec.to_builtins(tree)))
    elif options.format.name == "template":
        write_lines([options.format.line(in_pascal_case(msgspec.to_builtins(node))) for node in tree.walk()])
    else:
        scope: Scope = "all" if wanted else options.scope
        write_lines(tree_lines(tree, scope, options.no_trunc))
    return 0


def _of(tree: CgroupNode, container_id: str, name: str) -> CgroupNode:
    for node in tree.walk():
        if node.container_id == container_id:
            return node
    raise NotFound(f"{name} has no control group: it is not running", f"start it with: boxdeck start {name}")


CGROUP = Command(CgroupOptions, _arguments, with_engine(_cgroup))
