"""What containers use: their processes now, the last day, what binds them, the disk."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.disk_use import disk_bytes
from engine.history import read_history
from engine.lookup import Lookup
from engine.model import History, ProcessInfo
from engine.paths import Paths

if TYPE_CHECKING:
    from engine.model import LimitsInForce
    from engine.top import Top


class Usage:
    """Reads what containers use."""

    def __init__(self, paths: Paths, lookup: Lookup) -> None:
        self._paths = paths
        self._lookup = lookup

    async def top(self, reference: str, proportional: bool) -> tuple[ProcessInfo, ...]:
        """As `Containers.top`."""
        container = await self._lookup.get_running(reference)
        path = self._paths.cgroup_path(container.id)
        return await asyncio.to_thread(self._top.look, path, container.pid or 0, proportional)

    @cached_property
    def _top(self) -> Top:
        from engine.top import Top

        return Top()

    async def history(self, reference: str) -> History:
        """As `Containers.history`."""
        container = await self._lookup.get(reference)
        return await asyncio.to_thread(read_history, self._paths.history(container.id), container.id)

    async def limits(self, reference: str) -> LimitsInForce:
        """As `Containers.limits`."""
        from engine.cgroups import disk_weights
        from engine.cgroups.in_force import in_force
        from engine.cgroups.manager import Cgroup

        container = await self._lookup.get_running(reference)
        path = self._paths.cgroup_path(container.id)
        return replace(in_force(path), own=Cgroup(path).read_limits(), disk_weights_count=disk_weights.count())

    async def disk_bytes(self, reference: str) -> int:
        """As `Containers.disk_bytes`."""
        container = await self._lookup.get(reference)
        return await asyncio.to_thread(disk_bytes, self._paths.container(container.id))

    async def written_bytes(self, reference: str) -> int:
        """As `Containers.written_bytes`."""
        container = await self._lookup.get(reference)
        return await asyncio.to_thread(disk_bytes, self._paths.upper(container.id))
