"""Containers that end by themselves run again, whoever is there to see it; those that somebody stopped don't."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
from collections.abc import Callable

import pytest

from engine import Engine
from engine.errors import Conflict, InvalidRequest
from engine.model import Container, ContainerRequest, State
from engine.restart_policy import FIRST_DELAY_SECONDS, RestartPolicy
from engine.runtime import status

pytestmark = pytest.mark.vm

PATIENCE_SECONDS = 60.0
ALWAYS = RestartPolicy(name="always")
RUNS = ("sh", "-c", "echo run; exec sleep 1000")
FAILS = ("sh", "-c", "echo run; exit 3")


async def run(engine: Engine, policy: RestartPolicy, command: tuple[str, ...] = RUNS) -> Container:
    request = ContainerRequest(image="base", command=command, network="none", restart_policy=policy)
    return await engine.containers.run(request)


async def until(engine: Engine, container: Container, condition: Callable[[Container], bool]) -> Container:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(now := await engine.containers.get(container.id)):
            await asyncio.sleep(0.05)
    return now


async def runs_logged(engine: Engine, container: Container) -> int:
    return len([line async for line in engine.containers.logs(container.id)])


async def until_logged(engine: Engine, container: Container, runs: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await runs_logged(engine, container) < runs:
            await asyncio.sleep(0.05)


def runs_again(before: Container) -> Callable[[Container], bool]:
    return lambda now: now.is_running and now.pid != before.pid


async def kill_inside(container: Container) -> None:
    """End it by itself, as far as anybody of ours knows."""
    assert container.pid is not None
    os.kill(container.pid, signal.SIGKILL)


async def test_one_that_ended_by_itself_runs_again_and_its_log_goes_on(engine: Engine) -> None:
    container = await run(engine, ALWAYS)
    await until_logged(engine, container, 1)
    await kill_inside(container)
    again = await until(engine, container, runs_again(container))
    assert again.automatic_restarts == 1 and again.restarts == 0
    actions = [event.action for event in engine.latest_events(20) if event.subject == container.id]
    assert actions == ["create", "start", "die", "start"]
    await until_logged(engine, container, 2)


async def test_it_happens_without_any_engine(engine: Engine) -> None:
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        container = await run(other, ALWAYS)
        await until_logged(other, container, 1)
    await kill_inside(container)
    log = engine.paths.log(container.id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while log.read_bytes().count(b"run\n") < 2:
            await asyncio.sleep(0.05)
    assert (await until(engine, container, lambda now: now.is_running)).automatic_restarts == 1


async def test_failures_are_tried_so_often_and_no_more(engine: Engine) -> None:
    container = await run(engine, RestartPolicy(name="on-failure", most=2), FAILS)
    ended = await until(engine, container, lambda now: now.state is State.EXITED)
    assert (ended.exit_status, ended.automatic_restarts) == (3, 2)
    assert await runs_logged(engine, container) == 3
    succeeded = await run(engine, RestartPolicy(name="on-failure"), ("true",))
    assert (await until(engine, succeeded, lambda now: not now.is_running)).state is State.EXITED


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_one_that_somebody_ended_stays_so_until_it_is_started(engine: Engine, how: str) -> None:
    container = await run(engine, ALWAYS)
    await (engine.containers.stop(container.id, 0) if how == "stop" else engine.containers.kill(container.id))
    ended = await engine.containers.get(container.id)
    assert ended.state is State.EXITED and ended.was_stopped
    await engine.containers.start(container.id)
    started = await until(engine, container, lambda now: now.is_running)
    assert not started.was_stopped
    await kill_inside(started)
    await until(engine, container, runs_again(started))


async def test_a_start_that_is_put_off_can_be_called_off_or_made_at_once(engine: Engine) -> None:
    container = await run(engine, ALWAYS, FAILS)
    waiting = await until(engine, container, lambda now: now.restart is not None and now.restart.delay_seconds > 1)
    waiting = await until(engine, container, lambda now: now.state is State.RESTARTING)
    with pytest.raises(Conflict, match="is restarting: stop it first"):
        await engine.containers.remove(container.id)
    assert (await engine.containers.stop(container.id)).state is State.EXITED
    assert waiting.restart is not None
    before = await runs_logged(engine, container)
    await asyncio.sleep(waiting.restart.delay_seconds + 1)
    assert (await engine.containers.get(container.id)).state is State.EXITED
    assert await runs_logged(engine, container) == before
    await engine.containers.remove(container.id)


@pytest.mark.parametrize("name", ["KILL", "TERM"])
async def test_who_kills_one_that_waits_for_its_start_calls_that_off(engine: Engine, name: str) -> None:
    container = await run(engine, ALWAYS, FAILS)
    await until(engine, container, lambda now: now.restart is not None and now.restart.delay_seconds > 1)
    await until(engine, container, lambda now: now.state is State.RESTARTING)
    with pytest.raises(Conflict, match="is restarting"):
        await engine.containers.kill(container.id, "USR1")
    await engine.containers.kill(container.id, name)
    ended = await engine.containers.get(container.id)
    assert ended.state is State.EXITED and ended.was_stopped


async def test_a_policy_that_came_as_it_ended_counts(engine: Engine) -> None:
    """Its shim has seen its end before it hears of that, and engines haven't."""
    container = await run(engine, ALWAYS)
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    os.kill(found.shim_pid, signal.SIGSTOP)
    try:
        await kill_inside(container)
        changing = asyncio.create_task(engine.containers.set_restart_policy(container.id, RestartPolicy()))
        await asyncio.sleep(0.2)
        assert not changing.done()
    finally:
        os.kill(found.shim_pid, signal.SIGCONT)
    assert (await changing).state is State.EXITED
    await asyncio.sleep(FIRST_DELAY_SECONDS + 0.2)
    assert (await engine.containers.get(container.id)).state is State.EXITED
    assert await runs_logged(engine, container) <= 1


async def test_the_policy_can_be_changed_while_it_runs(engine: Engine) -> None:
    container = await run(engine, RestartPolicy())
    await engine.containers.set_restart_policy(container.id, ALWAYS)
    await kill_inside(container)
    again = await until(engine, container, runs_again(container))
    await engine.containers.set_restart_policy(container.id, RestartPolicy())
    await kill_inside(again)
    await until(engine, container, lambda now: now.state is State.EXITED)
    request = ContainerRequest(image="base", command=("true",), restart_policy=ALWAYS, auto_remove=True)
    with pytest.raises(InvalidRequest, match="can't be restarted"):
        await engine.containers.run(request)


async def test_one_whose_shim_was_killed_runs_again(engine: Engine) -> None:
    container = await run(engine, ALWAYS)
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    os.kill(found.shim_pid, signal.SIGKILL)
    await until(engine, container, runs_again(container))


async def test_one_whose_shim_was_killed_while_it_waited_runs_again_at_the_next_look(engine: Engine) -> None:
    container = await run(engine, ALWAYS, FAILS)
    waiting = await waiting_for_seconds(engine, container)
    os.kill(waiting.shim_pid, signal.SIGKILL)
    before = await runs_logged(engine, container)
    assert waiting.next_restart is not None
    await asyncio.sleep(waiting.next_restart.delay_seconds + 5.5)
    assert await runs_logged(engine, container) == before
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)):
        pass
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await runs_logged(engine, container) == before:
            await asyncio.sleep(0.1)
    await engine.containers.stop(container.id, 0)


async def waiting_for_seconds(engine: Engine, container: Container) -> status.Status:
    """What a shim says that waits for long; no engine looks meanwhile, so that its word stays."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = status.read(engine.paths.status(container.id))
            if found is not None and found.next_restart is not None and found.next_restart.delay_seconds > 3:
                return found
            await asyncio.sleep(0.01)


async def test_after_a_boot_what_should_run_is_started(engine: Engine) -> None:
    unless = RestartPolicy(name="unless-stopped")
    wanted = [await run(engine, policy) for policy in (ALWAYS, unless)]
    others = [await run(engine, RestartPolicy()), await run(engine, unless)]
    await engine.containers.stop(others[1].id, 0)
    for container in (*wanted, others[0]):
        found = status.read(engine.paths.status(container.id))
        assert found is not None
        forget_like_a_boot(engine, found)
    restored = [(each.id, error) async for each, error in engine.containers.restore()]
    assert restored == [(container.id, None) for container in wanted]
    assert {each.id for each in await engine.containers.list()} == {container.id for container in wanted}


def forget_like_a_boot(engine: Engine, found: status.Status) -> None:
    """No process is left, and the run-time folder is empty."""
    for pid in (found.shim_pid, found.pid):
        assert pid is not None
        process = os.pidfd_open(pid)
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [])  # until it has left its control groups
        os.close(process)
    shutil.rmtree(engine.paths.runtime(found.container_id))
