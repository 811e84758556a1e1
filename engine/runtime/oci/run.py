"""``run``: create and start a container, and wait for its end unless told not to."""

from __future__ import annotations

from engine.errors import BoxdeckError
from engine.runtime.birth import Living
from engine.runtime.oci.creation import FLAGS, CreateOptions, Creation
from engine.runtime.oci.ending import delete
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.foreground import Foreground
from engine.runtime.oci.starting import start
from engine.runtime.oci.verb import Call, Verb


class Options(CreateOptions, frozen=True, kw_only=True):
    """Those of ``create``, and two more."""

    detach: bool = False
    keep: bool = False


def action(call: Call) -> int:
    """Run it."""
    options = call.options
    living = Creation(call.settings, call.container_id, options, options.detach).make()
    try:
        status = _start(call, living)
    except BoxdeckError:
        delete(call.settings.state_root, call.container_id, force=True, log=call.log)
        raise
    if not options.detach and not options.keep:
        delete(call.settings.state_root, call.container_id, force=True, log=call.log)
    return status


def _start(call: Call, living: Living) -> int:
    if call.options.detach:
        start(call.settings.state_root, call.container_id)
        return 0
    master = None if call.options.console_socket else living.master
    with Foreground(living.pid, living.pidfd, master) as foreground:
        start(call.settings.state_root, call.container_id)
        return foreground.wait()


VERB = Verb(
    help="create and start a container, and wait for its end",
    usage="ID",
    least=1,
    most=1,
    flags=(
        *FLAGS,
        Flag("detach", "switch", "don't wait", "d"),
        Flag("keep", "switch", "don't delete it when it has ended"),
    ),
    options=Options,
    action=action,
)
