"""Our table of nf_tables beside the networks and published ports of the store, and these beside containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from engine.checking.scene import Scene
from engine.model import Finding, State
from engine.network import port_table
from engine.network.firewall import Difference, Firewall

_LOOKS = 4  # a row is there before its element and until after: what is out of step for a moment is no disorder
_PAUSE_SECONDS = 0.05


async def check(scene: Scene, firewall: Firewall) -> AsyncIterator[Finding]:
    """Rows of ports first: what is to be in the table follows from them."""
    for container_id in port_table.owners(scene.database):
        with scene.undisturbed(container_id) as locked:
            container = scene.records.get(container_id)
            rows = port_table.of(scene.database, container_id)
            is_over = container is not None and container.state in (State.CREATED, State.EXITED)
            is_told = scene.paths.status(container_id).exists()  # whoever takes over what its shim says gives them back
            is_left = locked and bool(rows) and is_over and not is_told  # one that restarts is settled by that
        if container is not None and is_left:
            words = f"has {len(rows)} ports of the host's, and doesn't run"
            settle = partial(_settle, scene, container_id)
            yield await scene.found("port", container.name, words, "gives them back", settle)
    for each in await _lasting_differences(firewall, bool(scene.records.running())):
        yield await scene.found("firewall", each.place, each.problem, "makes the table anew", firewall.make_anew)


def _settle(scene: Scene, container_id: str) -> None:
    with scene.undisturbed(container_id) as locked:
        if locked:
            scene.ports.settle(container_id)


async def _lasting_differences(firewall: Firewall, is_needed: bool) -> list[Difference]:
    """Those that are still there after a while; without a table there are none, unless containers run."""
    lasting: list[Difference] = []
    for number in range(_LOOKS):
        try:
            now = firewall.differences()
        except OSError:  # EPERM, or a kernel without nf_tables: no container has ports there
            return []
        if now is None:
            now = [Difference("table", "has gone, and containers run")] if is_needed else []
        lasting = [each for each in now if number == 0 or each in lasting]
        if not lasting:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    return lasting
