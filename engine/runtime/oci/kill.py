"""``kill``: send a signal to the process of a container, or to all."""

from __future__ import annotations

from msgspec import Struct

from engine.runtime.oci.ending import kill
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.matching import REGEX, chosen
from engine.runtime.oci.verb import Call, Verb
from engine.signal_names import signal_number


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    all: bool = False
    regex: bool = False


def action(call: Call) -> int:
    """Send it."""
    number = _number(call.words[1] if len(call.words) > 1 and call.words[1] else "TERM")
    for container_id in chosen(call, call.options.regex):
        kill(call.settings.state_root, container_id, number, everyone=call.options.all)
    return 0


def _number(word: str) -> int:
    """As kill(2) has it, 0 sends nothing, and fails where nothing could be sent."""
    return 0 if word == "0" else signal_number(word)


VERB = Verb(
    help="send the process a signal, TERM if none is named; 0 only sees whether it lives",
    usage="ID [SIGNAL]",
    least=1,
    most=2,
    flags=(Flag("all", "switch", "send it to every process in the container's control group", "a"), REGEX),
    options=Options,
    action=action,
)
