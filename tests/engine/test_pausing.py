"""A paused container stands still, and everything that can be done to one that runs has a clear end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import folders, layout
from engine.cgroups.manager import Cgroup
from engine.errors import Conflict
from engine.lookup import Lookup
from engine.model import Container, ContainerRequest, ExecRequest, State
from engine.pausing import Pausing

pytestmark = [pytest.mark.vm, pytest.mark.alone]

SPIN = ("sh", "-c", "trap 'exit 7' TERM; while :; do :; done")
PATIENCE_SECONDS = 20.0


async def spinning(engine: Engine) -> Container:
    container = await engine.containers.run(ContainerRequest(image="base", command=SPIN, network="none"))
    await used_more_than(container, 0)
    return container


def ticks(container: Container) -> int:
    """Processor time of its first process, which traps its signal from the first tick on."""
    fields = Path(f"/proc/{container.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def used_more_than(container: Container, before: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while ticks(container) <= before + 5:
            await asyncio.sleep(0.01)


async def actions(engine: Engine) -> list[str]:
    return [event.action for event in engine.latest_events(50)]


async def test_what_is_paused_uses_no_processor_and_goes_on_where_it_was(engine: Engine) -> None:
    container = await spinning(engine)
    assert (await engine.containers.pause(container.id)).state is State.PAUSED
    before = ticks(container)
    await asyncio.sleep(0.3)
    assert ticks(container) == before
    assert (await engine.containers.unpause(container.id)).state is State.RUNNING
    await used_more_than(container, before)
    assert (await actions(engine))[-2:] == ["pause", "unpause"]


async def test_every_engine_sees_the_pause_and_may_end_it(engine: Engine) -> None:
    container = await spinning(engine)
    await engine.containers.pause(container.id)
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        (seen,) = await other.containers.list()
        assert seen.state is State.PAUSED and seen.is_running
        await other.containers.unpause(container.id)
    assert (await engine.containers.get(container.id)).state is State.RUNNING


async def test_what_an_engine_froze_before_it_was_killed_can_be_let_go_on(engine: Engine) -> None:
    container = await spinning(engine)
    Cgroup.open(engine.paths.cgroup_path(container.id)).freeze()  # and died before it wrote that down
    await engine.containers.unpause(container.id)
    await used_more_than(container, ticks(container))


@pytest.mark.parametrize("userns", ["auto", "host"])  # where its processes are in the cgroup, or in one below it
async def test_a_paused_container_is_stopped_by_its_own_signal(engine: Engine, userns: str) -> None:
    request = ContainerRequest(image="base", command=SPIN, network="none", userns=userns)
    container = await engine.containers.run(request)
    await used_more_than(container, 0)
    await engine.containers.pause(container.id)
    assert (await engine.containers.stop(container.id, PATIENCE_SECONDS)).exit_status == 7


async def test_a_paused_container_is_killed_restarted_and_removed(engine: Engine) -> None:
    container = await spinning(engine)
    await engine.containers.pause(container.id)
    await engine.containers.kill(container.id)
    assert (await engine.containers.get(container.id)).exit_status == 137
    await engine.containers.start(container.id)
    await engine.containers.pause(container.id)
    restarted = await engine.containers.restart(container.id, 0.2)
    assert restarted.state is State.RUNNING and restarted.restarts == 1
    await engine.containers.pause(container.id)
    await engine.containers.remove(container.id, force=True)
    assert await engine.containers.list(all_states=True) == ()
    freezer = next((h.point for h in layout.detect().hierarchies if "freezer" in h.controllers), None)
    if freezer is not None:
        assert folders.read(f"{freezer}{engine.paths.cgroup_path(container.id)}/freezer.state") == ""


async def test_who_is_frozen_while_he_is_asked_to_end_is_killed_all_the_same(engine: Engine) -> None:
    deaf = ("sh", "-c", "trap '' TERM; while :; do :; done")
    container = await engine.containers.run(ContainerRequest(image="base", command=deaf, network="none"))
    await used_more_than(container, 0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        stopping = asyncio.create_task(engine.containers.stop(container.id, 0.5))
        await asyncio.sleep(0.2)
        await engine.containers.pause(container.id)
        assert (await stopping).exit_status == 137


async def test_who_is_frozen_at_the_moment_of_his_kill_dies_of_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = await spinning(engine)
    look, looks = Pausing.let_die, []

    def look_too_early(pausing: Pausing, container: Container) -> None:
        looks.append(container)
        if len(looks) > 1:
            look(pausing, container)

    monkeypatch.setattr(Pausing, "let_die", look_too_early)
    Cgroup.open(engine.paths.cgroup_path(container.id)).freeze()  # by another engine, behind the first look
    async with asyncio.timeout(PATIENCE_SECONDS):
        await engine.containers.kill(container.id)
    assert (await engine.containers.get(container.id)).exit_status == 137


async def test_what_can_not_be_says_so_in_a_sentence(engine: Engine) -> None:
    container = await spinning(engine)
    with pytest.raises(Conflict, match="is not paused: pause it with"):
        await engine.containers.unpause(container.id)
    await engine.containers.pause(container.id)
    with pytest.raises(Conflict, match="is paused: let it go on with: boxdeck unpause"):
        await engine.containers.pause(container.id)
    with pytest.raises(Conflict, match="is paused: let it go on with: boxdeck unpause"):
        await engine.containers.exec(container.id, ExecRequest(argv=("true",)))
    with pytest.raises(Conflict, match="is paused: let it go on with: boxdeck unpause"):
        await engine.containers.attach(container.id)
    await engine.containers.kill(container.id)
    with pytest.raises(Conflict, match="is not running"):
        await engine.containers.pause(container.id)


async def test_one_that_ends_at_that_moment_can_be_neither_paused_nor_thawed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = await spinning(engine)
    look = Lookup.present

    def look_and_kill(lookup: Lookup, container: Container) -> Container:
        found = look(lookup, container)
        os.kill(found.pid or 0, signal.SIGKILL)
        while any(map(os.path.isdir, Cgroup(engine.paths.cgroup_path(found.id)).folders)):
            time.sleep(0.01)
        return found

    monkeypatch.setattr(Lookup, "present", look_and_kill)
    for change in (engine.containers.pause, engine.containers.unpause):
        with pytest.raises(Conflict, match="has just ended"):
            await change(container.id)
        monkeypatch.undo()
        await engine.containers.start(container.id)
        monkeypatch.setattr(Lookup, "present", look_and_kill)
