"""The face of the engine: one object that has everything a front end can do or see."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import engine as package
from engine.containers import Containers
from engine.errors import Unsupported
from engine.images.removal import discard_tree
from engine.model import CgroupNode, Event, Finding, Info, NamespaceTree, Snapshot, Topology
from engine.paths import Paths, names_in
from engine.store.database import Database
from engine.strays import Strays
from engine.volumes import Volumes
from engine.xray.actions import settle

if TYPE_CHECKING:
    from engine.cgroup_tree import CgroupTree
    from engine.connections import ConnectedNetworks
    from engine.copying.files import Files
    from engine.disk_details import DiskDetails
    from engine.disk_use import DiskUse
    from engine.images.images import Images
    from engine.launch import Launcher
    from engine.layers import Layers
    from engine.namespaces.namespaces import Namespaces
    from engine.preflight.part import Part
    from engine.registry.registries import Registries
    from engine.sampler import Sampler
    from engine.xray.xrays import Xrays


class Engine:
    """An embedded container engine on one root. Several may be open on the same root at once.

    Use it as ``async with Engine.open() as engine``.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.database = Database(paths.database)
        self.volumes = Volumes(paths, self.database)
        self.containers = Containers(
            paths, self.database, lambda: self.images, lambda: self.networks, self.volumes, lambda: self.launcher
        )
        self._sampler: Sampler | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        root: str | None = None,
        runroot: str | None = None,
        makes_overdue_starts: bool = True,
        recovers: bool = True,
    ) -> AsyncIterator[Engine]:
        """Open the state in `root` and `runroot` (see `Paths.resolve`), and recover what others left behind.

        Args:
            makes_overdue_starts: as for `Containers.recover`.
            recovers: whether what others left behind is put in order; otherwise `check` finds it.

        Raises:
            Unsupported: not root.
            StoreError: the state can't be used.
        """
        if os.geteuid() != 0:
            raise Unsupported("Boxdeck needs root to make namespaces, cgroups and mounts", "run it with sudo")
        paths = Paths.resolve(root, runroot)
        paths.make_private()
        engine = cls(paths)
        try:
            if recovers:
                await engine.containers.recover(makes_overdue_starts)
                Strays(paths, engine.database).remove()
                engine.volumes.sweep()  # before what is half-made goes: it tells of removals that were cut short
                if names_in(paths.temporary) or names_in(paths.downloads):
                    await engine.images.sweep()
            yield engine
        finally:
            await engine.close()

    async def close(self) -> None:
        """Let go of everything; containers live on."""
        if self._sampler is not None:
            await self._sampler.close()
        if "_cgroup_tree" in vars(self):
            self._cgroup_tree.close()
        settle()
        self.containers.close()
        if "launcher" in vars(self):
            self.launcher.close()
        self.database.close()

    def get_ready(self) -> None:
        """Import what actions take, so that the first needn't wait for it; may be called in any thread."""
        from engine import connections, creating, streams  # noqa: F401
        from engine.starts import Starts  # noqa: F401

    # What changes

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Every change of state from now on, or after a revision; ends only by cancellation."""
        from engine.event_stream import stream

        async for event in stream(self.paths, self.database, self.containers.refresh, self.containers.running, after):
            yield event

    def latest_events(self, count: int) -> tuple[Event, ...]:
        """The last so many events that are kept, oldest first."""
        return tuple(self.database.events_after(self.database.latest_revision() - count))

    def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        """One snapshot of all running containers per tick."""
        return self._open_sampler().samples(interval_seconds)

    async def sample_once(self) -> Snapshot:
        """One snapshot, with rates over a short interval."""
        return await self._open_sampler().once()

    def _open_sampler(self) -> Sampler:
        from engine.network.counters import CounterReader
        from engine.sampler import Sampler

        if self._sampler is None:
            self._sampler = Sampler(
                self.containers.roster, lambda container: self.paths.cgroup_path(container.id), CounterReader
            )
        return self._sampler

    def network_changes(self) -> AsyncIterator[None]:
        """An item whenever a device, an address or a route of the host has changed (netlink notifications)."""
        return self.networks.changes()

    # What there is

    @cached_property
    def launcher(self) -> Launcher:
        """Starts containers."""
        from engine.launch import Launcher

        return Launcher(self.paths.cgroup_name)

    @cached_property
    def images(self) -> Images:
        """What containers are made from."""
        from engine.images.images import Images

        return Images(self.paths, self.database)

    @cached_property
    def networks(self) -> ConnectedNetworks:
        """Networks, and the containers on them."""
        from engine.connections import ConnectedNetworks

        return ConnectedNetworks(self.paths, self.database)

    @cached_property
    def registries(self) -> Registries:
        """Where images come from, and who one is there."""
        from engine.registry.registries import Registries

        return Registries()

    async def topology(self) -> Topology:
        """Uplink, bridges and veth pairs as the kernel has them now."""
        return await self.networks.topology(await self.containers.running())

    @cached_property
    def layers(self) -> Layers:
        """What containers have written: looked into, compared, committed."""
        from engine.layers import Layers
        from engine.records import Records
        from engine.standstill import Standstill

        standstill = Standstill(self.paths, Records(self.database))
        return Layers(self.paths, self.containers, self.images, standstill)

    @cached_property
    def xrays(self) -> Xrays:
        """What was asked of the kernel for the last actions on containers, networks, volumes and images."""
        from engine.xray.actions import volume_subject
        from engine.xray.xrays import Xrays

        async def container(reference: str) -> str:
            return (await self.containers.get(reference)).id

        async def network(reference: str) -> str:
            return (await self.networks.get(reference)).id

        async def volume(reference: str) -> str:
            return volume_subject((await self.volumes.get(reference)).name).id

        async def image(reference: str) -> str:
            return (await self.images.get(reference)).id

        return Xrays(self.paths, {"container": container, "network": network, "volume": volume, "image": image})

    @cached_property
    def files(self) -> Files:
        """Files copied into containers and out of them."""
        from engine.copying.files import Files

        return Files(self.paths, self.containers)

    @cached_property
    def namespaces(self) -> Namespaces:
        """Every namespace of the machine, and commands in fresh or existing ones."""
        from engine.namespaces.namespaces import Namespaces

        return Namespaces(self.containers)

    async def namespace_tree(self) -> NamespaceTree:
        """The namespaces of the host and of every running container, with their processes."""
        return await self.namespaces.tree(await self.containers.running())

    async def cgroup_tree(self, host: bool = False) -> CgroupNode:
        """Our cgroup and those of all containers below it, with limits and use.

        Rates are over the time since the last call.

        Args:
            host: the machine's own tree from the top instead, which is read as well and never written.
        """
        from engine.cgroup_tree import TOP

        path = TOP if host else f"/{self.paths.cgroup_name}"
        return await asyncio.to_thread(self._cgroup_tree.look, path, await self.containers.running())

    @cached_property
    def _cgroup_tree(self) -> CgroupTree:
        from engine.cgroup_tree import CgroupTree

        return CgroupTree()

    async def info(self) -> Info:
        """What this engine stands on."""
        from engine.cgroups import layout
        from engine.idmap_support import IdmapSupport
        from engine.linux import machine

        found = layout.detect()
        every = await self.containers.list(all_states=True)
        return Info(
            version=package.__version__,
            root=str(self.paths.root),
            runroot=str(self.paths.runroot),
            kernel=platform.release(),
            architecture=platform.machine(),
            cgroup_version=found.version,
            controllers=found.controllers,
            containers=len(every),
            containers_running=sum(container.is_running for container in every),
            images=len(await self.images.list()),
            processors=os.cpu_count() or 1,
            memory_total_bytes=machine.memory_bytes(),
            no_user_namespaces=IdmapSupport(self.paths.idmap_support).obstacle(str(self.paths.root)),
        )

    async def disk_use(self) -> tuple[DiskUse, ...]:
        """What images, containers and volumes take on the disk."""
        from engine.disk_use import DiskUse

        containers = await self.containers.list(all_states=True)
        images = await self.images.list()
        used = {container.image_id for container in containers}
        size, reclaimable = await self.images.disk_bytes(used)
        sizes = {each.id: await self.containers.disk_bytes(each.id) for each in containers}
        return (
            DiskUse(
                kind="Images",
                count=len(images),
                active=sum(image.id in used for image in images),
                size_bytes=size,
                reclaimable_bytes=reclaimable,
            ),
            DiskUse(
                kind="Containers",
                count=len(containers),
                active=sum(container.is_running for container in containers),
                size_bytes=sum(sizes.values()),
                reclaimable_bytes=sum(sizes[each.id] for each in containers if not each.is_running),
            ),
            await self.volumes.disk_use(),
        )

    async def disk_details(self) -> DiskDetails:
        """What each of them takes by itself."""
        from engine.disk_details import disk_details

        return await disk_details(self)

    async def check(self, repairs: bool = False) -> AsyncIterator[Finding]:
        """What is out of step between the store, the disk, control groups, networks, the firewall and processes.

        Others may start and end containers meanwhile: what they are at is passed over.

        Args:
            repairs: mend what is found, at once.
        """
        from engine.checking.checkup import checkup
        from engine.checking.scene import Scene

        scene = Scene(self.paths, self.database, self.networks.firewall, self.volumes, repairs)
        async for finding in checkup(scene, self.networks, self.volumes):
            yield finding

    async def preflight(self, again: bool = False) -> tuple[Part, ...]:
        """What this machine has and lacks of all that is needed; see `engine.preflight.apart`."""
        from engine.preflight.apart import examine

        return await examine(self.paths, again)

    # The end

    async def reset(self) -> None:
        """Remove everything of this root: containers, images, the bridge, the firewall's table, cgroups, files."""
        from engine.cgroups.manager import remove_parent

        for container in await self.containers.list(all_states=True):
            await self.containers.remove(container.id, force=True)
        await self.networks.reset()
        remove_parent(self.paths.cgroup_name)
        self.database.close()
        for folder in (self.paths.runroot, self.paths.root):
            await asyncio.to_thread(discard_tree, folder.resolve())
