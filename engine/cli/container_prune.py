"""``boxdeck container prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, with_engine
from engine.cli.pruning import PruneOptions, agreed, prune_arguments, show

if TYPE_CHECKING:
    from engine.engine import Engine


async def _prune(engine: Engine, options: PruneOptions) -> int:
    if options.force or agreed("every container that doesn't run"):
        show(await engine.containers.prune(options.filter))
    return 0


PRUNE = Command(PruneOptions, prune_arguments, with_engine(_prune))
