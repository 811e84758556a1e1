"""``pause``: stop all processes of a container where they are."""

from __future__ import annotations

from msgspec import Struct

from engine.runtime.oci.changing import pause
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True):
    """None."""


def action(call: Call) -> int:
    """Pause it."""
    pause(call.settings.state_root, call.container_id)
    return 0


VERB = Verb("stop all processes of a container where they are", "ID", 1, 1, (), Options, action)
