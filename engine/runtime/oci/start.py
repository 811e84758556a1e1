"""``start``: execute the process of a created container."""

from __future__ import annotations

from msgspec import Struct

from engine.runtime.oci.starting import start
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True):
    """None."""


def action(call: Call) -> int:
    """Start it."""
    start(call.settings.state_root, call.container_id)
    return 0


VERB = Verb("execute the process of a created container", "ID", 1, 1, (), Options, action)
