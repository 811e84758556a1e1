"""Mounts that a container takes over from others (docker's ``--volumes-from``)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from engine.errors import InvalidRequest
from engine.model import Container, ContainerRequest
from engine.options import BindMount, TmpfsMount, VolumeMount

_MODES = ("", "rw", "ro", "z", "Z")


def with_volumes_of_others(request: ContainerRequest, find: Callable[[str], Container]) -> ContainerRequest:
    """The request with the volumes and bind mounts of those that it names, where it has no mounts of its own.

    What the last of them has at a place wins, and nothing is copied into a volume.

    Args:
        find: a container by name or id.

    Raises:
        InvalidRequest: a mode that is none.
        NotFound: there is no such container.
    """
    if not request.volumes_from:
        return request
    found: dict[str, BindMount | VolumeMount] = {}
    for text in request.volumes_from:
        reference, mode = _split(text)
        for mount in _mounts(find(reference).request):
            found[_place(mount.destination)] = replace(mount, read_only=True) if mode == "ro" else mount
    own: tuple[BindMount | VolumeMount | TmpfsMount, ...] = (*request.binds, *request.volumes, *request.tmpfs)
    for each in own:
        found.pop(_place(each.destination), None)
    return replace(
        request,
        binds=(*request.binds, *(mount for mount in found.values() if isinstance(mount, BindMount))),
        volumes=(*request.volumes, *(mount for mount in found.values() if isinstance(mount, VolumeMount))),
    )


def _split(text: str) -> tuple[str, str]:
    reference, _, mode = text.partition(":")
    if not reference or mode not in _MODES:
        raise InvalidRequest(
            f"{text!r} names no container to take volumes from", "write it as CONTAINER or CONTAINER:ro"
        )
    return reference, mode


def _mounts(request: ContainerRequest) -> tuple[BindMount | VolumeMount, ...]:
    """A container's own; its bind mounts show its volumes, too."""
    volumes = {_place(mount.destination): mount for mount in request.volumes}
    binds = (bind for bind in request.binds if _place(bind.destination) not in volumes)
    return (*binds, *(replace(mount, copies=False) for mount in volumes.values()))


def _place(destination: str) -> str:
    return destination.rstrip("/")
