"""Health checks run in the container, and what they say is told, acted on and forgotten with its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from engine import Engine
from engine.errors import InvalidRequest
from engine.health import Health, HealthCheck, HealthOptions, HealthResult, Reaction, after, argv_of, check_of
from engine.model import Container, ContainerRequest, ExecRequest, State

PATIENCE_SECONDS = 60.0
SOON = 0.1


async def run(engine: Engine, command: str, on_unhealthy: Reaction = "none", retries: int = 2) -> Container:
    health = HealthOptions(
        command=command, interval_seconds=SOON, timeout_seconds=20.0, retries=retries, on_unhealthy=on_unhealthy
    )
    script = "trap 'exit 7' TERM; while :; do sleep 0.05; done"
    request = ContainerRequest(image="base", command=("sh", "-c", script), network="none", health=health)
    return await engine.containers.run(request)


async def until(engine: Engine, container: Container, condition: Callable[[Container], bool]) -> Container:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(now := await engine.containers.get(container.id)):
            await asyncio.sleep(0.05)
    return now


def health_is(state: str) -> Callable[[Container], bool]:
    return lambda container: container.health is not None and container.health.state == state


async def sh(engine: Engine, container: Container, script: str) -> None:
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    while await session.read() is not None:
        pass
    assert await session.wait() == 0


@pytest.mark.vm
async def test_it_falls_ill_and_gets_well_and_both_are_told(engine: Engine) -> None:
    container = await run(engine, "echo asked; test -e /well")
    assert container.health_check is not None
    ill = await until(engine, container, health_is("unhealthy"))
    assert ill.is_running and ill.health is not None and ill.health.failures >= 2
    assert {(result.exit_status, result.output) for result in ill.health.results} == {(1, "asked\n")}
    await sh(engine, container, "touch /well")
    well = await until(engine, container, health_is("healthy"))
    assert well.health is not None and well.health.failures == 0
    told = [event.detail for event in engine.latest_events(50) if event.action == "health_status"]
    assert told == ["starting", "unhealthy", "healthy"]


@pytest.mark.vm
async def test_a_check_runs_inside_as_the_containers_user(engine: Engine) -> None:
    health = HealthOptions(command="id -u; hostname; cat /proc/1/comm", interval_seconds=SOON)
    request = ContainerRequest(
        image="base", command=("sleep", "1000"), hostname="inside", user="1000", network="none", health=health
    )
    container = await engine.containers.run(request)
    well = await until(engine, container, health_is("healthy"))
    assert well.health is not None and well.health.results[0].output == "1000\ninside\nsleep\n"


async def test_one_that_takes_too_long_is_killed_and_has_failed(engine: Engine) -> None:
    health = HealthOptions(command="echo slow; exec sleep 1000", interval_seconds=SOON, timeout_seconds=0.5, retries=1)
    request = ContainerRequest(image="base", command=("sleep", "2000"), network="none", health=health)
    container = await engine.containers.run(request)
    ill = await until(engine, container, health_is("unhealthy"))
    assert ill.health is not None and ill.health.results[0].exit_status == -1
    assert ill.health.results[0].output.endswith("took longer than 0.5 seconds")
    await until(engine, container, lambda now: now.health is not None and len(now.health.results) == 3)
    asleep = [each for each in await engine.containers.top(container.id) if each.command == "sleep 1000"]
    assert len(asleep) <= 1


async def test_what_a_check_has_begun_is_killed_with_it(engine: Engine) -> None:
    health = HealthOptions(command="sleep 1000; true", interval_seconds=SOON, timeout_seconds=0.5, retries=1)
    request = ContainerRequest(image="base", command=("sleep", "2000"), network="none", health=health)
    container = await engine.containers.run(request)
    await until(engine, container, lambda now: now.health is not None and len(now.health.results) == 3)
    asleep = [each for each in await engine.containers.top(container.id) if each.command == "sleep 1000"]
    assert len(asleep) <= 1


async def test_what_can_not_be_executed_is_not_well(engine: Engine) -> None:
    health = HealthOptions(interval_seconds=SOON, retries=1, command="/nothing/here")
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none", health=health)
    container = await engine.containers.run(request)
    ill = await until(engine, container, health_is("unhealthy"))
    assert ill.health is not None and ill.health.results[0].exit_status == 127


@pytest.mark.vm
async def test_an_unhealthy_one_is_stopped_for_good(engine: Engine) -> None:
    container = await run(engine, "false", "stop")
    ended = await until(engine, container, lambda now: not now.is_running)
    assert (ended.state, ended.exit_status, ended.was_stopped) == (State.EXITED, 7, True)


async def test_an_unhealthy_one_is_killed(engine: Engine) -> None:
    container = await run(engine, "false", "kill")
    ended = await until(engine, container, lambda now: not now.is_running)
    assert (ended.state, ended.exit_status, ended.oom_killed) == (State.EXITED, 137, False)


@pytest.mark.vm
async def test_an_unhealthy_one_is_restarted_whatever_its_policy(engine: Engine) -> None:
    container = await run(engine, "test -e /was-here || { touch /was-here; false; }", "restart", retries=1)
    again = await until(engine, container, lambda now: now.is_running and now.automatic_restarts == 1)
    assert again.pid != container.pid
    assert (await until(engine, container, health_is("healthy"))).automatic_restarts == 1


async def test_one_that_stands_still_is_not_asked(engine: Engine) -> None:
    container = await run(engine, "true")
    await until(engine, container, health_is("healthy"))
    await engine.containers.pause(container.id)
    await asyncio.sleep(0.5)
    before = await engine.containers.get(container.id)
    await asyncio.sleep(1.0)
    assert (await engine.containers.get(container.id)).health == before.health
    await engine.containers.unpause(container.id)
    await until(engine, container, lambda now: now.health != before.health)


def result(exit_status: int) -> HealthResult:
    return HealthResult(started_unix_ns=1, ended_unix_ns=2, exit_status=exit_status, output="")


def test_failures_in_a_row_make_it_unhealthy_and_one_success_well() -> None:
    check, health, states = HealthCheck(argv=("x",), retries=2), Health(), []
    for status in (1, 0, 1, 1, 1, 0):
        health = after(health, result(status), check, counts=True)
        states.append((health.state, health.failures))
    assert states == [
        ("starting", 1), ("healthy", 0), ("healthy", 1), ("unhealthy", 2), ("unhealthy", 3), ("healthy", 0),
    ]  # fmt: skip
    assert len(health.results) == 5
    assert after(Health(), result(1), check, counts=False).failures == 0


def test_what_a_person_says_goes_before_what_the_image_says() -> None:
    image = HealthCheck(argv=("probe",), interval_seconds=7.0, retries=9)
    assert check_of(HealthOptions(), image) == image
    assert check_of(HealthOptions(), None) is None
    assert check_of(HealthOptions(disabled=True), image) is None
    mixed = check_of(HealthOptions(command="ok", retries=1), image)
    assert mixed is not None
    assert (mixed.argv, mixed.interval_seconds, mixed.retries) == (("/bin/sh", "-c", "ok"), 7.0, 1)
    assert argv_of(("CMD", "a", "b")) == ("a", "b") and argv_of(("CMD-SHELL", "a b")) == ("/bin/sh", "-c", "a b")
    assert argv_of(("NONE",)) == argv_of(()) == argv_of(("CMD-SHELL",)) == ()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (HealthOptions(disabled=True, command="true"), "contradict each other"),
        (HealthOptions(on_unhealthy="kill"), "no health check to act on"),
        (HealthOptions(command="true", interval_seconds=0.0), "--health-interval can't be 0 seconds"),
        (HealthOptions(command="true", retries=0), "--health-retries can't be 0"),
        (HealthOptions(command="true", start_period_seconds=-1.0), "can't be negative"),
    ],
)
def test_what_can_not_be_is_one_sentence(options: HealthOptions, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        check_of(options, None)
