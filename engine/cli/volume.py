"""``boxdeck volume VERB``."""

from __future__ import annotations

from engine.cli.command import NounVerb
from engine.cli.noun import noun

VOLUME = noun(
    "volume",
    {
        "create": NounVerb("volumes", "CREATE", "make a volume"),
        "ls": NounVerb("volumes", "LS", "list volumes"),
        "inspect": NounVerb("volumes", "INSPECT", "show everything about volumes as JSON"),
        "rm": NounVerb("volumes", "RM", "remove volumes that no container uses"),
        "prune": NounVerb("volumes", "PRUNE", "remove the volumes that no container uses"),
    },
)
