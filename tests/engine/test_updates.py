"""Limits changed while a container runs and while it doesn't, by anybody, and by somebody who is killed at it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from engine import Engine
from engine.cgroups import folders, layout
from engine.cgroups.manager import Cgroup
from engine.compile.resources import compile_resources
from engine.errors import BoxdeckError, InvalidRequest, NotFound
from engine.glance import Glance
from engine.model import Container, ContainerRequest, Limits, State
from engine.oci.resources_spec import LinuxMemory, LinuxResources
from engine.oci.runtime_spec import decode
from engine.updates import Updates

pytestmark = pytest.mark.vm

MIB = 1 << 20
BEFORE = Limits(memory_bytes=64 * MIB, cpus=0.5, pids=50)
CHANGE = Limits(memory_bytes=256 * MIB, cpu_quota_usec=30_000, cpu_period_usec=60_000, pids=70, cpuset_cpus="0")
AFTER = Limits(memory_bytes=256 * MIB, cpu_quota_usec=30_000, cpu_period_usec=60_000, pids=70, cpuset_cpus="0")
TOO_MANY = 1 << 62


async def sleeping(engine: Engine, limits: Limits = BEFORE, **options: object) -> Container:
    request = ContainerRequest(
        image="base",
        command=("sleep", "1000"),
        limits=limits,
        **{"network": "none", **options},  # type: ignore[arg-type]
    )
    return await engine.containers.run(request)


async def in_config(engine: Engine, container: Container) -> LinuxResources:
    spec = decode(await engine.containers.runtime_spec(container.id))
    assert spec.linux is not None
    return spec.linux.resources


async def agreed(engine: Engine, container: Container) -> Limits:
    """The container's limits, which the store, config.json and, if it runs, the kernel must agree on."""
    container = await engine.containers.get(container.id)
    limits, resources = container.request.limits, await in_config(engine, container)
    assert resources == compile_resources(limits, resources.devices)
    if container.is_running:
        own = Cgroup.open(engine.paths.cgroup_path(container.id)).read_limits()
        quota, period = limits.cpu_quota_usec, limits.cpu_period_usec
        assert own.memory_bytes == limits.memory_bytes
        assert own.memory_swap_bytes in (None, 2 * (limits.memory_bytes or 0))
        assert own.cpus == (quota / period if quota and period else limits.cpus)
        assert own.pids == limits.pids
        assert own.cpuset_cpus in (limits.cpuset_cpus, all_processors())
    return limits


def all_processors() -> str | None:
    machine = layout.detect()
    if machine.version == "v2":
        return folders.read(f"{machine.unified}/cpuset.cpus.effective")
    tops = [h.point for h in machine.spare if "cpuset" in h.controllers]
    return folders.read(f"{tops[0]}/cpuset.cpus") if tops else None


async def test_limits_change_at_once_and_for_every_later_start(engine: Engine) -> None:
    container = await sleeping(engine)
    changed = await engine.containers.update(container.id, CHANGE)
    assert changed.request.limits == AFTER
    assert await agreed(engine, container) == AFTER
    await engine.containers.stop(container.id, 0)
    assert (await engine.containers.start(container.id)).request.limits == AFTER
    assert await agreed(engine, container) == AFTER


async def test_limits_of_a_container_that_does_not_run_hold_from_its_next_start(engine: Engine) -> None:
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none", limits=BEFORE)
    container = await engine.containers.create(request)
    await engine.containers.update(container.name, CHANGE)
    assert await agreed(engine, container) == AFTER
    await engine.containers.start(container.id)
    assert await agreed(engine, container) == AFTER


async def test_an_update_is_an_event(engine: Engine) -> None:
    container = await sleeping(engine)
    before = engine.database.latest_revision()
    await engine.containers.update(container.id, Limits(pids=60))
    told = [event for event in engine.database.events_after(before) if event.subject == container.id]
    assert [(event.action, event.name) for event in told] == [("update", container.name)]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(memory_bytes=256 * MIB, cpuset_cpus="0", pids=TOO_MANY), r"the kernel refuses .* for pids\.max"),
        (Limits(memory_bytes=256 * MIB, memory_swap_bytes=MIB), "--memory-swap of 1048576 bytes is below"),
        (Limits(memory_reservation_bytes=65 * MIB), "--memory-reservation of 68157440 bytes is above"),
        (Limits(cpus=1.0, cpu_quota_usec=5000), "--cpus is another word"),
        (Limits(), "no limit was given"),
    ],
)
async def test_what_is_refused_changes_nothing(engine: Engine, limits: Limits, words: str) -> None:
    container = await sleeping(engine)
    revision = engine.database.latest_revision()
    with pytest.raises(InvalidRequest, match=words):
        await engine.containers.update(container.id, limits)
    assert await agreed(engine, container) == BEFORE
    assert not [e for e in engine.database.events_after(revision) if e.action == "update"]
    assert not list(engine.paths.updates.glob("*"))


async def test_a_container_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(NotFound):
        await engine.containers.update("nobody", Limits(pids=5))


async def test_a_paused_container_and_one_that_joins_another_are_changed_as_well(engine: Engine) -> None:
    owner = await sleeping(engine)
    guest = await sleeping(engine, network=f"container:{owner.id}")
    await engine.containers.update(guest.id, CHANGE)
    assert await agreed(engine, guest) == AFTER
    await engine.containers.restart(guest.id, 0)
    assert await agreed(engine, guest) == AFTER


async def test_two_engines_change_one_after_the_other(engine: Engine, engine_folders: tuple[str, str]) -> None:
    container = await sleeping(engine)
    async with Engine.open(*engine_folders) as other:
        await asyncio.gather(
            *(engine.containers.update(container.id, Limits(pids=pids)) for pids in range(20, 30)),
            *(other.containers.update(container.id, Limits(memory_bytes=m * MIB)) for m in range(70, 80)),
        )
    limits = await agreed(engine, container)
    assert limits.pids in range(20, 30) and limits.memory_bytes in [m * MIB for m in range(70, 80)]


async def test_a_container_that_ends_meanwhile_keeps_what_it_was_given(engine: Engine) -> None:
    for delay in range(6):
        request = ContainerRequest(image="base", command=("sleep", f"0.0{delay}"), network="none", limits=BEFORE)
        container = await engine.containers.run(request)
        await engine.containers.update(container.id, CHANGE)
        await engine.containers.wait(container.id)
        assert await agreed(engine, container) == AFTER


async def test_the_limits_in_force_tell_what_is_above(engine: Engine) -> None:
    container = await sleeping(engine)
    path = engine.paths.cgroup_path(container.id)
    found = await engine.containers.limits(container.id)
    assert (found.memory_bytes, found.memory_from, found.own.pids) == (64 * MIB, path, 50)
    above = Cgroup(f"/{engine.paths.cgroup_name}")
    above.update(LinuxResources(memory=LinuxMemory(limit=32 * MIB)))
    try:
        found = await engine.containers.limits(container.id)
    finally:
        above.update(LinuxResources(memory=LinuxMemory(limit=-1)))
    assert (found.memory_bytes, found.memory_from) == (32 * MIB, above.path)
    assert (found.own.memory_bytes, found.cpus_from) == (64 * MIB, path)
    await engine.containers.stop(container.id, 0)
    with pytest.raises(BoxdeckError, match="is not running"):
        await engine.containers.limits(container.id)


# Somebody is killed

KILLED_AT = """
import asyncio, os, signal, sys
from engine import Engine
from engine.model import Limits
import msgspec

root, runroot, container, change = sys.argv[1:]
change = msgspec.json.decode(change, type=Limits)
steps = 0

def arm(step):
    def hook(event, arguments):
        global steps
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY):
            return
        if event in ("open", "os.rename", "os.remove", "os.mkdir"):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

async def update(step):
    async with Engine.open(root, runroot) as engine:
        arm(step)
        await engine.containers.update(container, change)
        os._exit(0)

for line in sys.stdin:  # imports are paid once, and a fork is killed
    if not (child := os.fork()):
        asyncio.run(update(int(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Victims:
    """Engines that are killed at one step of an update: when they open a file to write, rename or remove one."""

    def __init__(self, folders: tuple[str, str], container: str, change: Limits) -> None:
        arguments = [*folders, container, msgspec.json.encode(change).decode()]
        self._process = subprocess.Popen(
            [sys.executable, "-c", KILLED_AT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def kill_at(self, step: int) -> bool:
        """Whether there was such a step."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        ended = int(self._process.stdout.readline())
        assert ended in (0, -signal.SIGKILL)
        return ended != 0

    def close(self) -> None:
        """End the one that forks them."""
        self._process.communicate()


@pytest.mark.parametrize("runs", [True, False])
async def test_whoever_is_killed_at_any_step_leaves_three_places_that_agree(
    engine: Engine, engine_folders: tuple[str, str], runs: bool
) -> None:
    container = await sleeping(engine)
    if not runs:
        await engine.containers.stop(container.id, 0)
    victims = Victims(engine_folders, container.id, CHANGE)
    found, step = [], 1
    while victims.kill_at(step):
        async with Engine.open(*engine_folders) as next_one:
            found.append(await agreed(next_one, container))
        assert found[-1] in (BEFORE, AFTER)
        if found[-1] == AFTER:
            await engine.containers.update(container.id, BEFORE)
        step += 1
    victims.close()
    assert await agreed(engine, container) == AFTER
    assert found.count(BEFORE) > 3 and found.count(AFTER) >= 1
    assert found == sorted(found, key=lambda limits: limits == AFTER)


async def test_what_was_left_half_way_is_settled_before_a_start(
    engine: Engine, engine_folders: tuple[str, str]
) -> None:
    container = await sleeping(engine)
    victims = Victims(engine_folders, container.id, CHANGE)
    assert victims.kill_at(8)
    victims.close()
    assert list(engine.paths.updates.glob("*"))
    await engine.containers.restart(container.id, 0)
    assert await agreed(engine, container) == BEFORE
    assert not list(engine.paths.updates.glob("*"))


async def test_an_end_that_another_engine_writes_down_meanwhile_stays(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = await sleeping(engine)
    assert container.pid is not None
    writes = Updates._write_config

    def end_first(updates: Updates, after: Container) -> None:
        with Glance.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
            os.kill(container.pid or 0, signal.SIGKILL)
            while other.running():
                time.sleep(0.01)
        writes(updates, after)

    monkeypatch.setattr(Updates, "_write_config", end_first)
    updated = await engine.containers.update(container.id, Limits(pids=50))
    assert (updated.state, updated.exit_status, updated.request.limits.pids) == (State.EXITED, 137, 50)
