"""What an image has where volumes are mounted: it goes into those that are empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.errors import Conflict, NotFound
from engine.model import Container, ContainerRequest
from engine.options import VolumeMount
from engine.paths import Paths
from engine.volumes import Volumes

if TYPE_CHECKING:
    from engine.containers import Containers


async def fill_volumes(paths: Paths, containers: Containers, volumes: Volumes, container: Container) -> None:
    """Copy what the image has where volumes are mounted into those that are empty, as docker does."""
    if not (mounts := volumes.to_fill(container.request)):
        return
    from engine.copying.files import Files
    from engine.copying.places import ContainerPath, CopyOptions, HostPath

    files = Files(paths, containers, sees_mounts=False)
    for mount in mounts:
        source = ContainerPath(container=container.id, path=mount.destination)
        target = HostPath(path=str(volumes.fresh(mount)))
        try:
            await files.copy(source, target, CopyOptions(archive=True))
        except (NotFound, Conflict):  # the image has nothing there, or no folder
            continue
        volumes.fill(mount)


def with_volumes(request: ContainerRequest, destinations: tuple[str, ...]) -> ContainerRequest:
    """The request with volumes of its own where the image wants some and nothing else is mounted."""
    places = [mount.destination for mount in request.binds] + [mount.destination for mount in request.volumes]
    taken = {path.rstrip("/") for path in (*places, *(mount.destination for mount in request.tmpfs))}
    wanted = (path for path in destinations if path.startswith("/") and path.rstrip("/") not in taken | {""})
    more = tuple(VolumeMount(name="", destination=path) for path in wanted)
    return replace(request, volumes=(*request.volumes, *more))
