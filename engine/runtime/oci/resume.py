"""``resume``: let a paused container run on."""

from __future__ import annotations

from msgspec import Struct

from engine.runtime.oci.changing import resume
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True):
    """None."""


def action(call: Call) -> int:
    """Resume it."""
    resume(call.settings.state_root, call.container_id)
    return 0


VERB = Verb("let a paused container run on", "ID", 1, 1, (), Options, action)
