"""`Engine.cgroup_tree`: our control groups, and the machine's."""

from __future__ import annotations

import asyncio
import os

import pytest

from engine import Engine
from engine.cgroups import layout
from engine.cgroups.manager import Cgroup
from engine.limits import Limits
from engine.model import CgroupNode, ContainerRequest

pytestmark = pytest.mark.vm

LOOP = ("sh", "-c", "while :; do :; done")


def _of(tree: CgroupNode, name: str) -> CgroupNode:
    return next(node for node in tree.walk() if node.container_name == name)


async def test_containers_stand_below_our_cgroup_with_limits_and_use(engine: Engine) -> None:
    limits = Limits(memory_bytes=64 << 20, cpus=0.5, pids=77)
    container = await engine.containers.run(ContainerRequest(image="base", name="busy", command=LOOP, limits=limits))
    await engine.containers.run(ContainerRequest(image="base", name="idle", command=("sleep", "99")))
    await engine.cgroup_tree()
    await asyncio.sleep(0.5)
    tree = await engine.cgroup_tree()
    assert tree.path == f"/{engine.paths.cgroup_name}"
    assert {node.container_name for node in tree.children} == {"busy", "idle"}
    found = _of(tree, "busy")
    assert (found.container_id, found.name) == (container.id, container.id)
    assert (found.limits.memory_bytes, found.limits.cpus, found.limits.pids) == (64 << 20, 0.5, 77)
    assert found.all_processes == 1
    assert found.cpu is not None and found.cpu.percent is not None and 5 < found.cpu.percent < 80
    assert found.cpu.limit_percent == 50
    assert found.memory is not None and 0 < found.memory.working_set_bytes < 64 << 20
    assert found.memory.limit_bytes == 64 << 20
    assert found.pids is not None and (found.pids.current, found.pids.limit) == (1, 77)
    assert {"cpu", "memory", "pids"} <= set(found.controllers)


async def test_the_first_look_has_levels_and_no_rates(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="first", command=LOOP))
    found = _of(await engine.cgroup_tree(), "first")
    assert found.cpu is not None and found.cpu.percent is None
    assert found.memory is not None and found.memory.current_bytes > 0


async def test_a_frozen_container_is_shown_so(engine: Engine) -> None:
    container = await engine.containers.run(ContainerRequest(image="base", name="cold", command=("sleep", "99")))
    assert not _of(await engine.cgroup_tree(), "cold").is_frozen
    cgroup = Cgroup.open(engine.paths.cgroup_path(container.id))
    cgroup.freeze()
    try:
        assert _of(await engine.cgroup_tree(), "cold").is_frozen
    finally:
        cgroup.thaw()


async def test_without_containers_there_is_a_node_without_anything(engine: Engine) -> None:
    tree = await engine.cgroup_tree()
    assert (tree.path, tree.children, tree.all_processes) == (f"/{engine.paths.cgroup_name}", (), 0)


async def test_the_machines_tree_has_everybody_and_ours(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="ours", command=("sleep", "99")))
    tree = await engine.cgroup_tree(host=True)
    assert (tree.path, tree.name) == ("/", "/")
    assert f"/{engine.paths.cgroup_name}" in {node.path for node in tree.children}
    assert _of(tree, "ours").all_processes == 1
    machine = layout.detect()
    assert set(tree.controllers) == set(machine.controllers)
    assert (tree.handed_down is None) == (machine.version != "v2")
    assert tree.all_processes > len([name for name in os.listdir("/proc") if name.isdecimal()]) / 2


async def test_a_limit_above_is_the_one_in_force(engine: Engine) -> None:
    parent = f"/{engine.paths.cgroup_name}"
    await engine.containers.run(ContainerRequest(image="base", name="bound", command=("sleep", "99")))
    machine = layout.detect()
    top = (
        machine.unified
        if machine.version == "v2"
        else next(hierarchy.point for hierarchy in machine.hierarchies if "pids" in hierarchy.controllers)
    )
    with open(f"{top}{parent}/pids.max", "w") as file:
        file.write("500")
    try:
        found = _of(await engine.cgroup_tree(), "bound")
        assert found.in_force is not None and (found.in_force.pids, found.in_force.pids_from) == (500, parent)
        assert found.pids is not None and found.pids.limit == 500
        assert found.limits.pids == 2048
    finally:
        with open(f"{top}{parent}/pids.max", "w") as file:
            file.write("max")
