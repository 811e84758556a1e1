"""What each image, container and volume takes on the disk by itself (docker's ``system df --verbose``)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.disk_use import disk_bytes
from engine.model import Container, Image
from engine.model.volume import Volume

if TYPE_CHECKING:
    from engine.engine import Engine


class ImageDisk(Struct, frozen=True, kw_only=True):
    """An image's layers on the disk.

    Attributes:
        shared_bytes: of the layers that other images have, too.
        unique_bytes: of those that it alone has.
        containers: how many were made of it.
    """

    image: Image
    shared_bytes: int
    unique_bytes: int
    containers: int


class ContainerDisk(Struct, frozen=True, kw_only=True):
    """What a container has changed against its image, and its log."""

    container: Container
    size_bytes: int


class VolumeDisk(Struct, frozen=True, kw_only=True):
    """What is in a volume."""

    volume: Volume
    size_bytes: int


class DiskDetails(Struct, frozen=True, kw_only=True):
    """All of them."""

    images: tuple[ImageDisk, ...]
    containers: tuple[ContainerDisk, ...]
    volumes: tuple[VolumeDisk, ...]


async def disk_details(engine: Engine) -> DiskDetails:
    """Look at all of a root; takes as long as walking through every file."""
    containers = await engine.containers.list(all_states=True)
    volumes = await engine.volumes.list()
    return DiskDetails(
        images=await _images(engine, containers),
        containers=tuple(
            [ContainerDisk(container=c, size_bytes=await engine.containers.disk_bytes(c.id)) for c in containers]
        ),
        volumes=tuple([VolumeDisk(volume=v, size_bytes=await engine.volumes.disk_bytes(v.name)) for v in volumes]),
    )


async def _images(engine: Engine, containers: tuple[Container, ...]) -> tuple[ImageDisk, ...]:
    images = await engine.images.list()
    made = Counter(container.image_id for container in containers)
    users = Counter(layer for image in images for layer in set(image.layers))
    sizes = {layer: await asyncio.to_thread(disk_bytes, engine.paths.layer(layer)) for layer in users}
    return tuple(
        ImageDisk(
            image=image,
            shared_bytes=sum(sizes[layer] for layer in set(image.layers) if users[layer] > 1),
            unique_bytes=sum(sizes[layer] for layer in set(image.layers) if users[layer] == 1),
            containers=made[image.id],
        )
        for image in images
    )
