"""`Containers.top`: who is inside a container, and what they use."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine import Engine
from engine.errors import Conflict
from engine.model import ContainerRequest, ExecRequest, ProcessInfo

pytestmark = pytest.mark.vm

BUSY_AND_IDLE = "sleep 99 & (while :; do :; done) & exec sleep 98"
LOOP = f"sh -c {BUSY_AND_IDLE}"


async def _settled(engine: Engine, name: str, *commands: str) -> dict[str, ProcessInfo]:
    """The processes by their commands, once these are what runs."""
    for _ in range(200):
        found = {each.command: each for each in await engine.containers.top(name)}
        if set(found) == set(commands):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def test_parents_stand_before_children_with_pids_inside_and_outside(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="family", command=("sh", "-c", BUSY_AND_IDLE)))
    first, *children = (await _settled(engine, "family", "sleep 98", "sleep 99", LOOP)).values()
    container = await engine.containers.get("family")
    assert (first.pid, first.pid_inside, first.command) == (container.pid, 1, "sleep 98")
    assert {child.parent_pid for child in children} == {first.pid}
    assert all(child.pid > child.pid_inside > 1 for child in children)


async def test_percents_come_with_the_second_look(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="busy", command=("sh", "-c", BUSY_AND_IDLE)))
    before = await _settled(engine, "busy", "sleep 98", "sleep 99", LOOP)
    for _ in range(20):  # on a slow machine a sleep takes a while to come to rest
        await asyncio.sleep(0.5)
        after = {each.command: each for each in await engine.containers.top("busy")}
        if after["sleep 99"].cpu_percent == 0:
            break
    assert after["sleep 99"].cpu_percent == 0
    assert after[LOOP].cpu_usec > before[LOOP].cpu_usec
    assert after[LOOP].cpu_percent is not None and 5 < after[LOOP].cpu_percent < 150
    assert (after[LOOP].state, after["sleep 99"].state) == ("running", "sleeping")


async def test_the_first_look_knows_no_percents(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="first", command=("sleep", "99")))
    (only,) = await engine.containers.top("first")
    assert only.cpu_percent is None
    assert only.started_unix_ns is not None and abs(time.time_ns() - only.started_unix_ns) < 30e9
    assert (only.threads, only.proportional_bytes) == (1, None)
    (only,) = await engine.containers.top("first", proportional=True)
    assert only.memory_bytes > 0 and only.proportional_bytes is not None and only.proportional_bytes > 0


async def test_users_are_those_that_the_container_knows(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", name="users", command=("sleep", "99")))
    session = await engine.containers.exec("users", ExecRequest(argv=("sleep", "77"), user="4321"))
    first, other = (await _settled(engine, "users", "sleep 99", "sleep 77")).values()
    assert (first.user, first.uid_inside) == ("root", 0)
    assert (other.user, other.uid_inside, other.command) == ("4321", 4321, "sleep 77")
    assert first.uid is not None and other.uid == first.uid + 4321
    await session.close()


async def test_who_has_ended_is_left_out_at_once(engine: Engine) -> None:
    """A crowd that comes and goes while one looks: no look fails, and none shows the dead."""
    crowd = "while :; do sh -c 'sleep 0.001 & wait'; done"
    await engine.containers.run(ContainerRequest(image="base", name="crowd", command=("sh", "-c", crowd)))
    for _ in range(50):
        found = await engine.containers.top("crowd")
        assert found[0].pid_inside == 1


async def test_who_does_not_run_has_no_processes(engine: Engine) -> None:
    await engine.containers.create(ContainerRequest(image="base", name="still", command=("true",)))
    with pytest.raises(Conflict, match="still is not running"):
        await engine.containers.top("still")
