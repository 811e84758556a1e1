"""``boxdeck system reset``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.errors import InvalidRequest

if TYPE_CHECKING:
    from engine.engine import Engine


class ResetOptions(Options):
    """Options of ``system reset``."""

    force: bool


def _arguments(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="really")


async def _reset(engine: Engine, options: ResetOptions) -> int:
    if not options.force:
        raise InvalidRequest(
            f"this would remove every container and image below {engine.paths.root}",
            "say so with: boxdeck system reset --force",
        )
    await engine.reset()
    return 0


RESET = Command(ResetOptions, _arguments, with_engine(_reset))
