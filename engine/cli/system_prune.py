"""``boxdeck system prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Parser, with_engine
from engine.cli.pruning import PruneOptions, agreed, prune_arguments, show
from engine.pruning import Pruned

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Removes the containers that don't run, then the networks that no container is on, and the images that have no
name any more, with --all also those that have one and no container; and what engines that were killed have left."""


class SystemPruneOptions(PruneOptions):
    """Options of ``system prune``."""

    all: bool


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.add_argument(
        "-a", "--all", action="store_true", help="every image that no container uses, not only those without a name"
    )
    prune_arguments(parser)


async def _prune(engine: Engine, options: SystemPruneOptions) -> int:
    images = "every image that no container uses" if options.all else "every image without a name and a container"
    if options.force or agreed(f"every container that doesn't run, every network without containers, and {images}"):
        containers = await engine.containers.prune(options.filter)
        networks = [network.name for network in await engine.networks.prune(options.filter)]
        removed = Pruned(lines=("Deleted Networks:", *networks) if networks else ())
        show(containers, removed, await engine.images.prune(options.filter, named=options.all))
    return 0


PRUNE = Command(SystemPruneOptions, _arguments, with_engine(_prune))
