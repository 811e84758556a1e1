"""``boxdeck update``: other limits for containers, at once where they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli import values
from engine.cli.command import Command, Parser, with_engine
from engine.cli.containers import for_each
from engine.cli.failure import warn
from engine.cli.limit_notes import without_effect
from engine.cli.limit_options import LimitOptions, limit_arguments, limits_of
from engine.errors import InvalidRequest
from engine.limits import Limits
from engine.restart_policy import RestartPolicy

if TYPE_CHECKING:
    from engine.engine import Engine


class UpdateOptions(LimitOptions):
    """Options of ``update``."""

    containers: list[str]
    restart: RestartPolicy | None


def _arguments(parser: Parser) -> None:
    parser.usage = f"{parser.prog} OPTION … CONTAINER …"
    limit_arguments(parser)
    parser.add_argument("--restart", metavar="POLICY", type=values.restart, help=values.RESTART_HELP)
    parser.add_argument("containers", metavar="CONTAINER", nargs="+", help="names, ids, or beginnings of ids")


async def _update(engine: Engine, options: UpdateOptions) -> int:
    limits = limits_of(options)
    if limits == Limits() and options.restart is None:
        raise InvalidRequest("no limit was given", "name at least one, such as --memory 512m")

    async def update(reference: str) -> None:
        if limits != Limits():
            await engine.containers.update(reference, limits)
        if options.restart is not None:
            await engine.containers.set_restart_policy(reference, options.restart)

    status = await for_each(options.containers, update)
    for sentence in without_effect(limits):
        warn(sentence)
    return status


UPDATE = Command(UpdateOptions, _arguments, with_engine(_update))
