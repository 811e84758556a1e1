"""``boxdeck rename``: another name for a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine

if TYPE_CHECKING:
    from engine.engine import Engine


class RenameOptions(Options):
    """Options of ``rename``."""

    container: str
    name: str


def _arguments(parser: Parser) -> None:
    parser.add_argument("container", metavar="CONTAINER", help="a name, id, or beginning of an id")
    parser.add_argument("name", metavar="NAME", help="what it is to be called, whether it runs or not")


async def _rename(engine: Engine, options: RenameOptions) -> int:
    await engine.containers.rename(options.container, options.name)
    return 0


RENAME = Command(RenameOptions, _arguments, with_engine(_rename))
