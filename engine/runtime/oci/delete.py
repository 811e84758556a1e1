"""``delete``: remove what is left of a container."""

from __future__ import annotations

from msgspec import Struct

from engine.runtime.oci.ending import delete
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.matching import REGEX, chosen
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    force: bool = False
    regex: bool = False


def action(call: Call) -> int:
    """Delete it."""
    for container_id in chosen(call, call.options.regex):
        delete(call.settings.state_root, container_id, call.options.force, call.log)
    return 0


VERB = Verb(
    help="remove a container that has stopped",
    usage="ID",
    least=1,
    most=1,
    flags=(Flag("force", "switch", "kill it first; no error if there is none", "f"), REGEX),
    options=Options,
    action=action,
)
