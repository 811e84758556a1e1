"""All checks, in the order in which one's repair is another's ground."""

from __future__ import annotations

from collections.abc import AsyncIterator

from engine.checking import cgroups, containers, files, firewall, images, networks, store, volumes
from engine.checking.scene import Scene
from engine.connections import ConnectedNetworks
from engine.model import Finding
from engine.volumes import Volumes


async def checkup(scene: Scene, own_networks: ConnectedNetworks, own_volumes: Volumes) -> AsyncIterator[Finding]:
    """Everything that is out of step, as it is found; mended at once where the scene is one of repairs."""
    for part in (
        store.check(scene),
        containers.check(scene),
        cgroups.check(scene),
        networks.check(scene, own_networks),
        firewall.check(scene, own_networks.firewall),
        volumes.check(scene, own_volumes),
        images.check(scene),
        files.check(scene),
    ):
        async for finding in part:
            yield finding
