"""What is left for later at a start and an end: writing down that a container runs, and unmounting."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from engine import Engine
from engine.folding import Folding
from engine.model import ContainerRequest, State
from engine.runtime import status

pytestmark = pytest.mark.vm

TRUE = ContainerRequest(image="base", command=("true",), network="none")
SLEEP = ContainerRequest(image="base", command=("sleep", "1000"), network="none")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def stored_state(engine: Engine, container_id: str) -> str:
    """As the store has it, which nobody brings up to date for the question."""
    row = engine.database.row("SELECT state FROM containers WHERE id = ?", (container_id,))
    assert row is not None
    return str(row[0])


def told(engine: Engine, container_id: str) -> list[str]:
    rows = engine.database.rows("SELECT action FROM events WHERE subject = ? ORDER BY rowid", (container_id,))
    return [str(row[0]) for row in rows]


async def test_folding_happens_soon_once_and_at_the_latest_at_the_end() -> None:
    folded: list[str] = []
    folding = Folding(folded.append)
    folding.soon("one")
    folding.soon("one")
    folding.soon("two")
    folding.cancel("two")
    assert folded == []
    await until(lambda: folded == ["one"])
    folding.soon("three")
    folding.next("four")
    await asyncio.sleep(0)
    assert folded == ["one", "four"]
    folding.close()
    assert folded == ["one", "four", "three"]
    await asyncio.sleep(0.1)
    assert folded == ["one", "four", "three"]


async def test_who_starts_a_container_has_it_running_and_so_has_the_store_in_a_moment(engine: Engine) -> None:
    container = await engine.containers.create(SLEEP)
    session = await engine.containers.start_attached(container.id)
    assert session.container.state is State.RUNNING and session.container.pid is not None
    await until(lambda: stored_state(engine, container.id) == "running")
    assert told(engine, container.id) == ["create", "start"]
    await session.close()


async def test_a_start_that_is_over_soon_is_told_with_its_end_in_order(engine: Engine) -> None:
    container = await engine.containers.create(TRUE)
    for count in range(1, 4):
        assert await (await engine.containers.start_attached(container.id)).wait() == 0
        await until(lambda count=count: told(engine, container.id).count("die") == count)
        assert stored_state(engine, container.id) == "exited"
        assert told(engine, container.id) == ["create", *["start", "die"] * count]


_DIES_KNOWING = """
import asyncio, os, signal, sys
from engine import Engine

async def main():
    async with Engine.open(*sys.argv[1:3]) as engine:
        session = await engine.containers.start_attached(sys.argv[3])
        print(await session.wait(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_an_exit_status_that_somebody_was_told_outlives_him(engine: Engine) -> None:
    """It is in the shim's last status, before the store has it."""
    request = ContainerRequest(image="base", command=("sh", "-c", "exit 3"), network="none")
    container = await engine.containers.create(request)
    places = str(engine.paths.root), str(engine.paths.runroot)
    argv = [sys.executable, "-c", _DIES_KNOWING, *places, container.id]
    killed = subprocess.run(argv, capture_output=True, check=False)
    assert (killed.stdout, killed.returncode) == (b"3\n", -signal.SIGKILL), killed.stderr
    assert (await engine.containers.get(container.id)).exit_status == 3
    assert told(engine, container.id) == ["create", "start", "die"]


async def test_an_engine_that_closes_has_written_down_what_it_started(engine: Engine) -> None:
    container = await engine.containers.create(SLEEP)
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        session = await other.containers.start_attached(container.id)
    assert stored_state(engine, container.id) == "running"
    await session.close()


async def test_who_starts_again_at_once_finds_the_files_of_the_last_run(engine: Engine) -> None:
    request = ContainerRequest(image="base", command=("sh", "-c", "echo again >> /runs"), network="none")
    container = await engine.containers.create(request)
    for _ in range(10):
        assert await (await engine.containers.start_attached(container.id)).wait() == 0
    assert (engine.paths.upper(container.id) / "runs").read_text() == "again\n" * 10


async def test_nothing_of_a_container_is_mounted_once_its_shim_has_ended(engine: Engine) -> None:
    """As long as it is, its mount namespace is to be found by the descriptor that the shim has of it."""
    container = await engine.containers.create(SLEEP)
    container = await engine.containers.start(container.id)
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    held = {os.readlink(f"/proc/{found.shim_pid}/fd/{number}") for number in os.listdir(f"/proc/{found.shim_pid}/fd")}
    assert os.readlink(f"/proc/{container.pid}/ns/mnt") in held
    await engine.containers.kill(container.id)
    await until(lambda: not status.shim_is_alive(found))
