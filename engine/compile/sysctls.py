"""Kernel parameters that a container can have for itself (config-linux.md, "Sysctl")."""

from __future__ import annotations

import re

from engine.compile.namespaces import target
from engine.errors import InvalidRequest
from engine.model import ContainerRequest

_NAME = re.compile(r"[a-z0-9_-]+([./][A-Za-z0-9_-]+)+")
_OF_IPC = frozenset(
    f"kernel.{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
)


def sysctls(request: ContainerRequest) -> dict[str, str]:
    """The parameters of a request, all of which belong to a namespace of the container's own.

    Raises:
        InvalidRequest: one is the whole machine's, or of a namespace that is shared.
    """
    for name in request.sysctls:
        if not _NAME.fullmatch(name) or ".." in name:
            raise InvalidRequest(f"{name!r} is not a kernel parameter", "write it as net.ipv4.ip_forward=1")
        _require_own(name.replace("/", "."), name, request)
    return dict(request.sysctls)


def _require_own(dotted: str, name: str, request: ContainerRequest) -> None:
    if dotted.startswith("net."):
        if request.network == "host" or target(request.network):
            raise InvalidRequest(f"{name} is of a network that isn't the container's own", "set it where it belongs")
    elif dotted in _OF_IPC or dotted.startswith("fs.mqueue."):
        if request.ipc not in ("private", "shareable", "none"):
            raise InvalidRequest(f"{name} is of an IPC namespace that isn't the container's own", "add --ipc private")
    else:
        raise InvalidRequest(
            f"{name} is the whole machine's", "containers can have net.*, fs.mqueue.* and kernel.msg*, sem and shm*"
        )
