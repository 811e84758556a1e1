"""``boxdeck image prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Parser, with_engine
from engine.cli.pruning import PruneOptions, agreed, prune_arguments, show

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Removes the images that have no name any more, and with --all also those that have one, as long as no
container was made from them; and what engines that were killed have left behind."""


class ImagePruneOptions(PruneOptions):
    """Options of ``image prune``."""

    all: bool


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.add_argument(
        "-a", "--all", action="store_true", help="every image that no container uses, not only those without a name"
    )
    prune_arguments(parser)


async def _prune(engine: Engine, options: ImagePruneOptions) -> int:
    which = "every image that no container uses" if options.all else "every image that has no name and no container"
    if options.force or agreed(which):
        show(await engine.images.prune(options.filter, named=options.all))
    return 0


PRUNE = Command(ImagePruneOptions, _arguments, with_engine(_prune))
