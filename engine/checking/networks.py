"""Bridges and interfaces beside the store, and who answers for names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from engine import etc_files
from engine.checking.scene import Scene
from engine.connections import ConnectedNetworks
from engine.model import Container, Endpoint, Finding
from engine.network import bridge, interface, links, records, transport
from engine.runtime import status
from engine.strays import Stray, Strays

_LOOKS, _MOMENT_SECONDS = 5, 0.1


async def check(scene: Scene, networks: ConnectedNetworks) -> AsyncIterator[Finding]:
    """Devices of nobody, and those that running containers miss."""
    for stray in await _lasting(Strays(scene.paths, scene.database)):
        yield await scene.found("network", stray.name, stray.problem, stray.remedy, stray.remove)
    living = [each for each in scene.records.running() if scene.recovery.shim_lives(each.id)]
    used = {end.network_id for container in living for end in container.endpoints}
    for network in records.every(scene.database):
        if network.id in used and not bridge.is_ready(network):
            words = f"its bridge {network.bridge} has gone, or hasn't its address"
            make = partial(networks.ensure, network.id)
            yield await scene.found("network", network.name, words, "makes it again", make)
    for container in living:
        async for finding in _interfaces(scene, networks, container):
            yield finding
    async for finding in _names(scene, networks, living):
        yield finding


async def _lasting(strays: Strays) -> list[Stray]:
    """Those that are still there after a while: the last process of a container takes its interfaces along."""
    found = list(strays.found())
    for _ in range(_LOOKS):
        if not found:
            break
        await asyncio.sleep(_MOMENT_SECONDS)
        names = {stray.name for stray in found}
        found = [stray for stray in strays.found() if stray.name in names]
    return found


async def _interfaces(scene: Scene, networks: ConnectedNetworks, container: Container) -> AsyncIterator[Finding]:
    with scene.undisturbed(container.id) as locked:
        now = scene.records.get(container.id)
        if not locked or now is None or not _has_started(scene, now):
            return
        for end in now.endpoints:
            problem = await _lasting_problem(scene, now, end)
            if problem:
                rewire = partial(networks.rewire, now, end)
                place = f"{now.name} on {end.network}"
                yield await scene.found("network", place, problem, "makes it again", rewire)


async def _lasting_problem(scene: Scene, container: Container, end: Endpoint) -> str:
    """What is wrong after a while, too: when a container ends, its interfaces go before its shim says so."""
    problem = _problem(end)
    for _ in range(_LOOKS):
        if not problem:
            break
        await asyncio.sleep(_MOMENT_SECONDS)
        problem = _problem(end) if _has_started(scene, container) else ""
    return problem


def _has_started(scene: Scene, container: Container) -> bool:
    found = status.read(scene.paths.status(container.id))
    return found is not None and found.state == "running" and status.shim_is_alive(found)


def _problem(end: Endpoint) -> str:
    """What is wrong with a living container's interface; empty when nothing is."""
    with transport.open_socket() as sock:
        device = links.named(sock, end.host_interface)
    if device is None:
        return f"its interface {end.host_interface} has gone"
    if device.master != interface.index_of(end.bridge):
        return f"its interface {end.host_interface} isn't on the bridge {end.bridge}"
    return "" if interface.is_up(end.host_interface) else f"its interface {end.host_interface} is down"


async def _names(scene: Scene, networks: ConnectedNetworks, living: list[Container]) -> AsyncIterator[Finding]:
    for path in networks.names_served():
        if scene.database.row("SELECT 1 FROM networks WHERE id = ?", (path.name,)) is None:
            words = "announces names of a network that isn't there"
            yield await scene.found("names", str(path), words, "deletes it", partial(path.unlink, missing_ok=True))
    asked = {name for container in living for name in etc_files.asked_networks(scene.paths, container)}
    if asked and not networks.are_names_served():
        words = "nobody answers questions for names"
        serve = partial(networks.serve_names, sorted(asked))
        yield await scene.found("names", ", ".join(sorted(asked)), words, "starts who does", serve)
