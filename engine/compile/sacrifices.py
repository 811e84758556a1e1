"""What a container gives up, in sentences for people: privileges, and wishes that don't go together."""

from __future__ import annotations

from engine.compile.placement import Ids
from engine.model import ContainerRequest

_NOBODY = "root inside is nobody outside, so that it can't"
_HOST_MODES = {
    "network": f"{_NOBODY} configure the host's network nor listen below port 1024",
    "pid": f"{_NOBODY} signal or trace the host's processes",
    "ipc": f"{_NOBODY} use memory and queues that only others may",
}


def sacrifices(request: ContainerRequest, ids: Ids) -> tuple[str, ...]:
    """The sentences, the gravest first."""
    return (*_privileges(request, ids), *ids.warnings, *_shared_with_the_host(request, ids))


def _privileges(request: ContainerRequest, ids: Ids) -> tuple[str, ...]:
    if not request.security.privileged:
        return ()
    if ids.own_user_namespace:
        return ("privileged: nothing is hidden, no system call is filtered, and every device can be used",)
    return ("privileged: root inside can do to this machine whatever root outside can; nothing keeps it in",)


def _shared_with_the_host(request: ContainerRequest, ids: Ids) -> tuple[str, ...]:
    if not ids.own_user_namespace:
        return ()
    shared = [option for option in _HOST_MODES if getattr(request, option) == "host"]
    return tuple(f"--{option} host: {_HOST_MODES[option]}; for that add --userns host" for option in shared)
