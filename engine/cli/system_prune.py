"""``boxdeck system prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.cli.command import Command, Parser, with_engine
from engine.cli.pruning import PruneOptions, agreed, prune_arguments, show
from engine.pruning import Pruned

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Removes the containers that don't run, then the networks that no container is on, and the images that have no
name any more, with --all also those that have one and no container; with --volumes the unnamed volumes that no
container uses; and what engines that were killed have left."""


class SystemPruneOptions(PruneOptions):
    """Options of ``system prune``."""

    all: bool
    volumes: bool


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.add_argument(
        "-a", "--all", action="store_true", help="every image that no container uses, not only those without a name"
    )
    parser.add_argument("--volumes", action="store_true", help="also unnamed volumes that no container uses")
    prune_arguments(parser)


async def _prune(engine: Engine, options: SystemPruneOptions) -> int:
    images = "every image that no container uses" if options.all else "every image without a name and a container"
    things = ["every container that doesn't run", "every network without containers", images]
    if options.volumes:
        things.append("every unnamed volume that no container uses")
    if options.force or agreed(f"{', '.join(things[:-1])}, and {things[-1]}"):
        containers = await engine.containers.prune(options.filter)
        networks = [network.name for network in await engine.networks.prune(options.filter)]
        removed = Pruned(lines=("Deleted Networks:", *networks) if networks else ())
        volumes = await engine.volumes.prune(options.filter) if options.volumes else Pruned(lines=())
        if volumes.lines:
            volumes = replace(volumes, lines=("Deleted Volumes:", *volumes.lines))
        show(containers, removed, volumes, await engine.images.prune(options.filter, named=options.all))
    return 0


PRUNE = Command(SystemPruneOptions, _arguments, with_engine(_prune))
