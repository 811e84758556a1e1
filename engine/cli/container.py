"""``boxdeck container VERB``: all that can be done with containers under one word, as docker and podman have it."""

from __future__ import annotations

from engine.cli.command import NounVerb
from engine.cli.noun import noun
from engine.cli.verbs import VERBS

_SAME = (
    "run", "create", "start", "stop", "kill", "restart", "pause", "unpause", "update", "rename", "rm", "wait", "exec",
    "attach", "logs", "commit", "cp", "diff", "stats", "top", "export",
)  # fmt: skip

_VERBS = {
    "ls": NounVerb("listing", "PS", "list containers"),
    **{name: NounVerb(VERBS[name].module, name.upper(), VERBS[name].summary) for name in _SAME},
    "inspect": NounVerb("inspect", "INSPECT", "show everything about containers as JSON"),
    "prune": NounVerb("container_prune", "PRUNE", "remove the containers that don't run"),
}

CONTAINER = noun("container", _VERBS)
