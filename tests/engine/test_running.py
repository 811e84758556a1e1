"""The list that the sampler asks for every second: free without news, and never a look behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.lookup import Lookup
from engine.model import Container, ContainerRequest, State
from engine.runtime import status

pytestmark = pytest.mark.vm

SLEEP = ContainerRequest(image="base", command=("sleep", "1000"), network="none")


@pytest.fixture
async def other(engine: Engine) -> AsyncIterator[Engine]:
    """A second engine on the same root."""
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as opened:
        yield opened


async def settled(engine: Engine) -> None:
    """Wait until the folder's time is old enough to be told from a later one, and look."""
    await asyncio.sleep(0.1)
    await engine.containers.running()


def ids(containers: tuple[Container, ...]) -> list[str]:
    return [container.id for container in containers]


def shim_pid(engine: Engine, container: Container) -> int:
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    return found.shim_pid


def shim_has_ended(pid: int) -> Callable[[], bool]:
    def ended() -> bool:
        with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
        return True

    return ended


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_it_is_what_list_says_newest_first(engine: Engine) -> None:
    assert await engine.containers.running() == ()
    first, second = await engine.containers.run(SLEEP), await engine.containers.run(SLEEP)
    assert ids(await engine.containers.running()) == [second.id, first.id]
    assert await engine.containers.running() == await engine.containers.list()


async def test_without_news_nothing_is_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    await engine.containers.run(SLEEP)
    await settled(engine)
    before = await engine.containers.running()

    def refuse(*_: object) -> None:
        raise AssertionError("this has been read already")

    monkeypatch.setattr(engine.containers._records, "running_rows", refuse)
    monkeypatch.setattr(engine.containers._recovery, "refresh_one", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    for _ in range(3):
        assert await engine.containers.running() is before
    monkeypatch.undo()
    await engine.containers.stop(before[0].id, timeout_seconds=0)
    assert await engine.containers.running() == ()


async def test_what_another_engine_starts_and_stops_is_seen_at_the_next_look(engine: Engine, other: Engine) -> None:
    await settled(engine)
    for _ in range(3):
        container = await other.containers.run(SLEEP)
        assert ids(await engine.containers.running()) == [container.id]
        await other.containers.kill(container.id)
        assert await engine.containers.running() == ()
        again = await other.containers.start(container.id)
        (seen,) = await engine.containers.running()
        assert (seen.id, seen.pid) == (container.id, again.pid)
        await other.containers.restart(container.id, timeout_seconds=0)
        assert (await engine.containers.running())[0].pid not in (None, again.pid)
        await other.containers.remove(container.id, force=True)
        assert await engine.containers.running() == ()


async def test_a_commit_that_the_logs_time_doesnt_tell_of_is_seen_some_looks_later(
    engine: Engine, other: Engine
) -> None:
    await engine.containers.running()
    log = f"{engine.paths.database}-wal"
    long_ago = 10**18
    os.utime(log, ns=(long_ago, long_ago))
    await engine.containers.running()
    container = await other.containers.run(SLEEP)
    os.utime(log, ns=(long_ago, long_ago))
    looks = [await engine.containers.running() for _ in range(10)]
    assert ids(looks[-1]) == [container.id]


async def test_a_process_that_ends_by_itself_is_gone_when_its_shim_is(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    assert ids(await engine.containers.running()) == [container.id]
    pid = shim_pid(engine, container)
    os.kill(container.pid or 0, signal.SIGKILL)
    await until(shim_has_ended(pid))
    assert await engine.containers.running() == ()
    assert (await engine.containers.get(container.id)).exit_status == 137


async def test_a_container_whose_shim_is_killed_is_gone_at_the_next_look(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    await settled(engine)
    pid = shim_pid(engine, container)
    os.kill(pid, signal.SIGKILL)
    await until(shim_has_ended(pid))
    assert await engine.containers.running() == ()
    assert (await engine.containers.get(container.id)).error == "its shim was killed"


async def test_a_start_that_its_engine_never_wrote_down_is_found(
    engine: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = await other.containers.create(SLEEP)
    await settled(engine)

    def fail(*_: object) -> Container:
        raise BoxdeckError("the engine was killed")

    monkeypatch.setattr(Lookup, "seen", fail)
    with pytest.raises(BoxdeckError):
        await other.containers.start(container.id)
    monkeypatch.undo()
    (seen,) = await engine.containers.running()
    assert (seen.id, seen.state) == (container.id, State.RUNNING)


async def test_one_of_which_its_asker_finds_nothing_is_looked_at_again(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    await settled(engine)
    os.kill(container.pid or 0, signal.SIGKILL)
    found = (container,)
    deadline = time.monotonic() + 10
    while found:
        assert time.monotonic() < deadline
        found = await engine.containers.running([container.id])


async def test_one_that_is_to_be_removed_at_its_end_is(engine: Engine) -> None:
    container = await engine.containers.run(
        ContainerRequest(image="base", command=("sleep", "1000"), network="none", auto_remove=True)
    )
    await engine.containers.running()
    pid = shim_pid(engine, container)
    os.kill(container.pid or 0, signal.SIGKILL)
    await until(shim_has_ended(pid))
    assert await engine.containers.running() == ()
    assert await engine.containers.list(all_states=True) == ()


async def test_without_descriptors_for_pidfds_it_holds_all_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    container = await engine.containers.run(SLEEP)
    assert ids(await engine.containers.running()) == [container.id]
    pid = shim_pid(engine, container)
    os.kill(container.pid or 0, signal.SIGKILL)
    await until(shim_has_ended(pid))
    assert await engine.containers.running() == ()


async def test_closing_leaves_no_descriptor(engine: Engine) -> None:
    await engine.containers.run(SLEEP)
    other = Engine(engine.paths)
    before = os.listdir("/proc/self/fd")
    assert len(await other.containers.running()) == 1
    assert len(os.listdir("/proc/self/fd")) > len(before)
    other.containers.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
    await other.close()
