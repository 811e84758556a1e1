"""``create``: make a container up to the moment before its process is executed."""

from __future__ import annotations

from engine.runtime.oci.creation import FLAGS, CreateOptions, Creation
from engine.runtime.oci.verb import Call, Verb


def action(call: Call) -> int:
    """Create it."""
    Creation(call.settings, call.container_id, call.options, detach=True).make()
    return 0


VERB = Verb("make a container, and wait to execute its process", "ID", 1, 1, FLAGS, CreateOptions, action)
