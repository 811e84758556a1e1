"""Whoever is killed, and whenever: the next engine reads the store and cleans up the machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine import Engine
from engine.cgroups.manager import Cgroup
from engine.model import Container, ContainerRequest, State
from engine.runtime import protocol, status
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

SLEEP = ContainerRequest(image="base", command=("sleep", "1000"))


def shim_pid(engine: Engine, container: Container) -> int:
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    return found.shim_pid


def is_alive(pid: int | None) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


async def gone(pid: int | None) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return not is_alive(pid)


async def reopened(engine: Engine) -> tuple[Container, ...]:
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        return await other.containers.list(all_states=True)


async def test_a_container_outlives_the_engine_that_started_it(engine: Engine) -> None:
    script = (
        "import asyncio, sys, os, signal; from engine import Engine; from engine.model import ContainerRequest\n"
        "async def main():\n"
        "    async with Engine.open(sys.argv[1], sys.argv[2]) as engine:\n"
        "        request = ContainerRequest(image='base', command=('sleep', '1000'), name='lasting')\n"
        "        await engine.containers.run(request)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(engine.paths.root), str(engine.paths.runroot)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    container = await engine.containers.get("lasting")
    assert container.is_running and is_alive(container.pid)


async def test_a_launcher_that_was_killed_is_replaced(engine: Engine) -> None:
    first = await engine.containers.run(SLEEP)
    assert engine.launcher.pid is not None
    os.kill(engine.launcher.pid, signal.SIGKILL)
    second = await engine.containers.run(SLEEP)
    assert is_alive(first.pid) and is_alive(second.pid)


async def test_a_request_that_died_with_its_launcher_is_made_to_the_next_one(engine: Engine) -> None:
    first = await engine.containers.run(SLEEP)
    assert engine.launcher.pid is not None
    await asyncio.sleep(0.2)  # it has a shim in stock again
    launcher = psutil.Process(engine.launcher.pid)
    everybody = [launcher, *launcher.children(recursive=True)]
    shim = psutil.Process(shim_pid(engine, first))
    takers = [process for process in everybody if process not in (shim, *shim.children(recursive=True))]
    for process in takers:
        process.suspend()
    starting = asyncio.create_task(engine.containers.run(SLEEP))
    await asyncio.sleep(0.3)
    for process in takers:
        process.kill()
    second = await starting
    assert is_alive(first.pid) and is_alive(second.pid)


async def test_a_container_dies_with_its_shim_and_is_known_to_be_dead(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    os.kill(shim_pid(engine, container), signal.SIGKILL)
    assert await gone(container.pid)
    (found,) = await reopened(engine)
    assert (found.state, found.exit_status, found.error) == (State.EXITED, 137, "its shim was killed")
    assert (await engine.containers.start(container.id)).is_running
    await engine.containers.remove(container.id, force=True)
    assert await traces(engine) == []


async def test_a_process_that_survives_its_shim_is_ended_by_the_next_engine(engine: Engine) -> None:
    # A shim that dies while its container's death signal isn't armed: between clone and execve, or cleared by a
    # change of credentials. An exec has none at all, and stands for them here: its cgroup is all that knows it.
    container = await engine.containers.run(SLEEP)
    neighbour = await engine.containers.run(SLEEP)
    stray = subprocess.Popen(["sleep", "1000"])
    Cgroup.open(engine.paths.cgroup_path(container.id)).join(stray.pid)
    os.kill(shim_pid(engine, container), signal.SIGKILL)
    assert await gone(container.pid) and is_alive(stray.pid)
    await reopened(engine)
    assert stray.wait(5) == -signal.SIGKILL
    assert is_alive(neighbour.pid)


async def test_after_a_reboot_a_container_is_exited_and_starts_again(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    os.kill(shim_pid(engine, container), signal.SIGKILL)
    assert await gone(container.pid)
    shutil.rmtree(engine.paths.runroot)  # tmpfs forgets
    (found,) = await reopened(engine)
    assert (found.state, found.exit_status) == (State.EXITED, 255)
    assert (await engine.containers.start(container.id)).is_running


async def test_a_status_of_another_boot_is_not_believed(engine: Engine) -> None:
    container = await engine.containers.run(SLEEP)
    path = engine.paths.status(container.id)
    found = status.read(path)
    assert found is not None
    fields = {name: getattr(found, name) for name in status.Status.__struct_fields__}
    status.write(path, status.Status(**{**fields, "boot_id": "another"}))
    (after,) = await reopened(engine)
    assert after.state is State.EXITED and await gone(container.pid)


async def test_a_shim_that_waits_for_a_killed_engine_is_ended(engine: Engine) -> None:
    container = await engine.containers.create(SLEEP)
    launch = protocol.Launch(
        container_id=container.id,
        generation=engine.containers._records.next_generation(container.id),
        bundle=str(engine.paths.bundle(container.id)),
        cgroup=engine.paths.cgroup_path(container.id),
        runtime_directory=str(engine.paths.runtime(container.id)),
        log=str(engine.paths.log(container.id)),
        start=False,
    )
    await engine.launcher.launch(launch)
    shim = shim_pid(engine, container)
    (found,) = await reopened(engine)
    assert found.state is State.CREATED and await gone(shim)
    assert (await engine.containers.start(container.id)).is_running


async def test_a_shim_of_a_container_that_was_removed_is_ended(engine: Engine) -> None:
    # As one whose engine was killed while it asked for it, and that was slower than whoever removed the container.
    container = await engine.containers.run(SLEEP)
    shim = shim_pid(engine, container)
    with engine.database.transaction():
        engine.database.execute("DELETE FROM containers WHERE id = ?", (container.id,))
    assert await reopened(engine) == ()
    assert await gone(shim) and await gone(container.pid)
    assert await traces(engine) == []


async def test_a_start_goes_no_further_than_whoever_asked_for_it(engine: Engine) -> None:
    container = await engine.containers.create(SLEEP)
    launch = protocol.Launch(
        container_id=container.id,
        generation=engine.containers._records.next_generation(container.id),
        bundle=str(engine.paths.bundle(container.id)),
        cgroup=engine.paths.cgroup_path(container.id),
        runtime_directory=str(engine.paths.runtime(container.id)),
        log=str(engine.paths.log(container.id)),
    )
    asker, report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with report:
        asker.close()  # as the kernel does when it was killed
        engine.launcher._send(launch, [report])
    deadline = time.monotonic() + 5
    while (found := status.read(engine.paths.status(container.id))) is None or not found.is_final:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert (found.state, found.pid) == ("failed", None)
    assert (await engine.containers.start(container.id)).is_running


async def test_what_a_half_done_create_left_is_removed(engine: Engine) -> None:
    orphan = engine.paths.container("f" * 64)
    (orphan / "upper").mkdir(parents=True)
    await reopened(engine)
    assert not orphan.exists()


@pytest.mark.slow
async def test_a_kill_at_any_moment_of_a_start_leaves_a_store_that_works(engine: Engine) -> None:
    script = (
        "import asyncio, sys; from engine import Engine; from engine.model import ContainerRequest\n"
        "async def main():\n"
        "    async with Engine.open(sys.argv[1], sys.argv[2]) as engine:\n"
        "        print('open', flush=True)\n"
        "        while True:\n"
        "            c = await engine.containers.run(ContainerRequest(image='base', command=('sleep', '1000')))\n"
        "            await engine.containers.remove(c.id, force=True)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(engine.paths.root), str(engine.paths.runroot)]
    for number in range(12):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"open\n"
        await asyncio.sleep(0.15 + 0.013 * number)
        process.kill()
        process.wait()
        process.stdout.close()
    await asyncio.sleep(0.5)
    for container in await reopened(engine):
        await engine.containers.remove(container.id, force=True)
    await reopened(engine)
    assert await traces(engine) == []


async def test_a_volume_that_was_never_written_down_leaves_no_folder_and_one_with_data_stays(engine: Engine) -> None:
    for name in ("begun", "full"):
        engine.paths.volume_data(name).mkdir(parents=True)
    (engine.paths.volume_data("full") / "file").touch()
    engine.paths.volume("barely").mkdir()
    await engine.volumes.create("known")
    await reopened(engine)
    assert sorted(os.listdir(engine.paths.root / "volumes")) == ["full", "known"]
    await engine.volumes.create("full")
    assert [each.name for each in await engine.volumes.list()] == ["full", "known"]
    for name in ("full", "known"):
        await engine.volumes.remove(name)


async def killed_while_removing(engine: Engine, name: str, where: str) -> None:
    """Have another engine remove a volume, and kill it when it has called a function for the first time."""
    script = f"""
import asyncio, os, engine.images.removal, engine.volumes
from engine import Engine

def killed(*args, passed={where}, **named):
    passed(*args, **named)
    os.kill(os.getpid(), 9)

async def main():
    async with Engine.open({str(engine.paths.root)!r}, {str(engine.paths.runroot)!r}) as other:
        {where} = killed
        await other.volumes.remove({name!r})

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await process.wait() == -signal.SIGKILL


async def findings(engine: Engine, repairs: bool = False) -> list[str]:
    return [f"{each.place} {each.problem}" async for each in engine.check(repairs) if each.kind in ("volume", "file")]


@pytest.mark.parametrize("where", ["engine.volumes.os.rename", "engine.images.removal._remove_below"])
@pytest.mark.parametrize("mends", [False, True])
async def test_a_volume_whose_remover_is_killed_is_there_or_gone_and_never_half(
    engine: Engine, where: str, mends: bool
) -> None:
    await engine.volumes.create("half")
    (engine.paths.volume_data("half") / "file").write_text("a")
    await killed_while_removing(engine, "half", where)
    assert not engine.paths.volume("half").exists()
    if mends:
        assert (await findings(engine, repairs=True))[-1].endswith("is what a killed engine had begun")
    else:
        await reopened(engine)
    assert await engine.volumes.list() == () and not any(engine.paths.temporary.iterdir())
    assert await findings(engine) == []
