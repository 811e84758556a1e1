"""``boxdeck debug``: a shell beside a container that has none."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli import terminal
from engine.cli.attach_options import AttachmentOptions, detach_argument
from engine.cli.command import Command, Parser, with_engine
from engine.cli.foreground import follow
from engine.cli.progress import shown

if TYPE_CHECKING:
    from engine.engine import Engine


class DebugOptions(AttachmentOptions):
    """Options of ``debug``."""

    container: str
    command: list[str]


def _arguments(parser: Parser) -> None:
    parser.description = (
        "A shell of the image base in a container's network, pid, IPC and user namespaces, with the container's files"
        " at /proc/1/root. It is removed when it ends."
    )
    detach_argument(parser)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or the beginning of an id")
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run instead of a shell")


async def _debug(engine: Engine, options: DebugOptions) -> int:
    await shown(engine.images.ensure("base"))
    session = await engine.containers.debug(options.container, tuple(options.command), tty=terminal.is_terminal())
    return await follow(session, True, options, engine)


DEBUG = Command(DebugOptions, _arguments, with_engine(_debug))
