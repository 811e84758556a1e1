"""Containers that come to be: the image and the networks in place, the record, the volumes filled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine import naming
from engine.compile.namespaces import attachments, check_network
from engine.images.images import Images
from engine.images.removal import discard_tree
from engine.locks import ContainerLock
from engine.model import Container, ContainerRequest, Image
from engine.network.networks import Networks
from engine.paths import Paths
from engine.preparation import Preparation
from engine.records import Records
from engine.removal import Removal
from engine.volume_filling import with_volumes
from engine.volumes import Volumes
from engine.volumes_from import with_volumes_of_others
from engine.xray.actions import recorded


class Creating:
    """Makes containers without starting them.

    Args:
        fill: copies what the image has into a container's empty volumes.
    """

    def __init__(
        self,
        paths: Paths,
        images: Images,
        networks: Networks,
        volumes: Volumes,
        records: Records,
        preparation: Preparation,
        removal: Removal,
        fill: Callable[[Container], Awaitable[None]],
    ) -> None:
        self._paths = paths
        self._images = images
        self._networks = networks
        self._volumes = volumes
        self._records = records
        self._preparation = preparation
        self._removal = removal
        self._fill = fill

    async def create(self, request: ContainerRequest) -> Container:
        """As `Containers.create`."""
        image = await self._images.ensure(request.image)
        check_network(request)
        request = with_volumes_of_others(request, self._records.find)
        request = self._volumes.mounted(with_volumes(request, image.config.volumes))
        if wishes := attachments(request):
            await self._networks.ensure(*(wish.network for wish in wishes))
        container = await self._prepared(request, image)
        try:
            self._volumes.require(request)
            await self._fill(container)
        except BaseException:
            await self._removal.delete_quietly(container.id)
            raise
        return container

    async def _prepared(self, request: ContainerRequest, image: Image) -> Container:
        """The container with its record and folders; none of them after a failure."""
        container_id = naming.new_id()
        lock = ContainerLock(self._paths, container_id)
        async with lock.held():
            try:
                with recorded(self._paths, "create", container_id, request.name or container_id[:12]):
                    return self._preparation.create(container_id, request, image)
            except BaseException:
                await asyncio.to_thread(discard_tree, self._paths.container(container_id))
                lock.forget()
                await self._volumes.remove_unnamed(request)
                raise
