"""``state``: what a container is doing, as JSON."""

from __future__ import annotations

import sys

import msgspec
from msgspec import Struct

from engine.runtime.oci.status import report
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True):
    """None."""


def action(call: Call) -> int:
    """Print it."""
    found = report(call.settings.state_root, call.container_id)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    return 0


VERB = Verb("print the state of a container as JSON", "ID", 1, 1, (), Options, action)
