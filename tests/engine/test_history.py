"""What a container used lately can be seen by whoever opens an engine later, even if none was open meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import layout
from engine.cgroups.statistics.reader import read_once
from engine.model import Container, ContainerRequest, Limits, NetworkRequest, Series, State
from engine.runtime import status
from engine.runtime.recorder import NAME

pytestmark = [pytest.mark.vm, pytest.mark.alone]

PATIENCE_SECONDS = 8.0
BURN = ("sh", "-c", "while :; do :; done")
SLEEP = ("sleep", "1000")


async def start(engine: Engine, *command: str, network: str = "none") -> Container:
    return await engine.containers.run(ContainerRequest(image="base", command=command, network=network))


def shim_of(engine: Engine, container: Container) -> int:
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    return found.shim_pid


def recorder_of(engine: Engine) -> int:
    """The pid of the root's recorder; 0 without one."""
    try:
        pid = int(Path(f"{engine.paths.histories}.lock").read_text() or "0")
        return pid if Path(f"/proc/{pid}/comm").read_text().strip() == NAME else 0
    except (OSError, ValueError):
        return 0


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def hour_of(engine: Engine, container: Container) -> Series:
    return (await engine.containers.history(container.id)).hour


async def steps_of(engine: Engine, container: Container, steps: int) -> Series:
    """The last hour once it has so many steps."""
    deadline = time.monotonic() + steps + PATIENCE_SECONDS
    while len((hour := await hour_of(engine, container)).pids) < steps:
        assert time.monotonic() < deadline, hour
        await asyncio.sleep(0.1)
    return hour


def used_cpu_seconds(engine: Engine, container: Container) -> float:
    used = read_once(layout.detect(), engine.paths.cgroup_path(container.id))
    assert used is not None and used.cpu is not None
    return used.cpu.usage_usec / 1e6


async def test_what_is_burned_while_no_engine_is_open_is_there_for_the_next_one(engine: Engine) -> None:
    container = await start(engine, "sh", "-c", f"timeout 3 {' '.join(BURN[:2])} '{BURN[2]}'; sleep 1000")
    engine.launcher.close()
    await until(lambda: recorder_of(engine))
    await asyncio.sleep(5)
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as another:
        hour = await steps_of(another, container, 6)
        burned = used_cpu_seconds(another, container)
    assert burned > 0.5
    assert sum(percent or 0 for percent in hour.cpu_percent) / 100 == pytest.approx(burned, rel=0.02)


async def test_the_figures_are_those_of_the_container(engine: Engine) -> None:
    container = await start(engine, "sh", "-c", "sleep 1000 & sleep 1000 & wait", network="bridge")
    hour = await steps_of(engine, container, 3)
    assert hour.step_seconds == 1 and abs(hour.until_unix_seconds - time.time()) < 3
    assert hour.pids[-1] == 3
    assert hour.cpu_percent[-1] == pytest.approx(0, abs=1)
    assert 0 < (hour.memory_working_set_bytes[-1] or 0) < 32 << 20
    assert 0 < (hour.anonymous_bytes[-1] or 0) < 32 << 20 and hour.file_bytes[-1] is not None
    assert hour.read_bytes_per_second[-1] == hour.written_bytes_per_second[-1] == 0
    assert hour.received_bytes_per_second[-1] is not None and hour.sent_bytes_per_second[-1] is not None


async def test_memory_by_kind_is_the_kernels(engine: Engine) -> None:
    container = await start(engine, "sh", "-c", "head -c 30000000 /dev/zero > /dev/shm/x; sleep 1000")
    await steps_of(engine, container, 3)
    used = read_once(layout.detect(), engine.paths.cgroup_path(container.id))
    assert used is not None and used.memory is not None
    hour = await steps_of(engine, container, 5)
    for recorded, read in (
        (hour.anonymous_bytes, used.memory.anonymous_bytes),
        (hour.file_bytes, used.memory.file_bytes),
        (hour.kernel_bytes, used.memory.kernel_bytes),
        (hour.swap_bytes, used.memory.swap_bytes),
    ):
        assert recorded[-1] == (None if read is None else pytest.approx(read, rel=0.02, abs=1 << 18))
    assert (hour.file_bytes[-1] or 0) > 29_000_000


async def test_pressure_is_kept_where_the_kernel_tells_it(engine: Engine) -> None:
    limits = Limits(cpus=0.2)
    request = ContainerRequest(image="base", command=BURN, network="none", limits=limits)
    container = await engine.containers.run(request)
    hour = await steps_of(engine, container, 6)
    stalled = (hour.cpu_stalled_percent, hour.memory_stalled_percent, hour.io_stalled_percent)
    if layout.detect().version == "v2" and os.path.exists("/proc/pressure/cpu"):
        assert max(value or 0 for value in hour.cpu_stalled_percent) > 5
        assert None not in [values[-1] for values in stalled]
        day = (await engine.containers.history(container.id)).day
        assert (day.cpu_stalled_percent[-1] or 0) > 1
    else:
        assert [set(values) for values in stalled] == [{None}] * 3


async def test_without_a_network_nothing_is_known_of_traffic(engine: Engine) -> None:
    hour = await steps_of(engine, await start(engine, *SLEEP), 2)
    assert set(hour.received_bytes_per_second) == set(hour.sent_bytes_per_second) == {None}


async def test_traffic_is_counted_from_inside(engine: Engine) -> None:
    container = await start(engine, *SLEEP, network="bridge")
    assert container.endpoint is not None
    await steps_of(engine, container, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        for _ in range(300):
            source.sendto(b"x" * 1000, (container.endpoint.address.partition("/")[0], 9))
            await asyncio.sleep(0.001)
    hour = await steps_of(engine, container, 5)
    received = sum(value or 0 for value in hour.received_bytes_per_second)
    assert 300_000 < received < 400_000  # with headers of 42 bytes, and what is said to everybody on a bridge
    assert sum(value or 0 for value in hour.sent_bytes_per_second) < 300_000


async def test_traffic_of_a_network_that_came_later_is_counted_too(engine: Engine) -> None:
    container = await start(engine, *SLEEP, network="bridge")
    await engine.networks.create(NetworkRequest(name="later"))
    endpoint = await engine.networks.connect("later", container.id)
    await steps_of(engine, container, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        for _ in range(100):
            source.sendto(b"x" * 1000, (endpoint.address.partition("/")[0], 9))
    hour = await steps_of(engine, container, 4)
    assert 100_000 < sum(value or 0 for value in hour.received_bytes_per_second) < 200_000
    await engine.networks.disconnect("later", container.id)
    hour = await steps_of(engine, container, 6)
    assert hour.received_bytes_per_second[-1] is not None
    assert sum(value or 0 for value in hour.received_bytes_per_second) < 200_000


async def test_the_minute_that_is_not_over_is_in_the_day(engine: Engine) -> None:
    container = await start(engine, *BURN)
    await steps_of(engine, container, 3)
    day = (await engine.containers.history(container.id)).day
    assert day.step_seconds == 60 and day.until_unix_seconds % 60 == 0
    assert (day.cpu_percent[-1] or 0) > 20


async def test_history_goes_on_after_a_stop_and_a_start(engine: Engine) -> None:
    container = await start(engine, *SLEEP)
    before = await steps_of(engine, container, 2)
    await engine.containers.kill(container.id)
    ended = await hour_of(engine, container)
    await asyncio.sleep(1.2)
    await engine.containers.start(container.id)
    after = await steps_of(engine, container, len(ended.pids) + 3)
    began = after.until_unix_seconds - len(after.pids)
    assert began == before.until_unix_seconds - len(before.pids)
    assert None in after.pids and after.pids[-1] == 1


async def test_who_has_ended_keeps_his_history_until_he_is_removed(engine: Engine) -> None:
    container = await start(engine, *SLEEP)
    await steps_of(engine, container, 2)
    await engine.containers.kill(container.id)
    assert len((await hour_of(engine, container)).pids) >= 2
    path = engine.paths.history(container.id)
    assert path.exists()
    await engine.containers.remove(container.id)
    await asyncio.sleep(1.2)
    assert not path.exists()


async def test_who_never_ran_has_no_history(engine: Engine) -> None:
    container = await engine.containers.create(ContainerRequest(image="base", command=SLEEP, network="none"))
    history = await engine.containers.history(container.id)
    assert history.container_id == container.id and history.hour.pids == history.day.pids == ()


async def test_a_killed_recorder_is_replaced(engine: Engine) -> None:
    container = await start(engine, *SLEEP)
    await steps_of(engine, container, 2)
    first = recorder_of(engine)
    os.kill(first, signal.SIGKILL)
    await until(lambda: recorder_of(engine) not in (0, first))
    before = await hour_of(engine, container)
    after = await steps_of(engine, container, len(before.pids) + 2)
    assert after.pids.count(None) <= 1 and after.cpu_percent.count(None) <= 1


async def test_the_end_of_one_container_does_not_end_the_recording_of_others(engine: Engine) -> None:
    parent, other = await start(engine, *SLEEP), await start(engine, *SLEEP)
    await until(lambda: recorder_of(engine))
    stat = Path(f"/proc/{recorder_of(engine)}/stat").read_text().rpartition(")")[2].split()
    if int(stat[1]) == shim_of(engine, other):
        parent, other = other, parent
    first = recorder_of(engine)
    await steps_of(engine, other, 2)
    await engine.containers.remove(parent.id, force=True)
    await until(lambda: recorder_of(engine) not in (0, first))
    before = await hour_of(engine, other)
    after = await steps_of(engine, other, len(before.pids) + 2)
    assert after.pids.count(None) <= 1


async def test_a_killed_shim_leaves_what_it_recorded_and_the_next_start_goes_on(engine: Engine) -> None:
    container = await start(engine, *SLEEP)
    before = await steps_of(engine, container, 2)
    os.kill(shim_of(engine, container), signal.SIGKILL)
    while (await engine.containers.get(container.id)).state is not State.EXITED:
        await asyncio.sleep(0.05)
    assert len((await hour_of(engine, container)).pids) >= 2
    await engine.containers.start(container.id)
    after = await steps_of(engine, container, len(before.pids) + 3)
    assert after.pids[-1] == 1


async def test_the_last_container_takes_the_recorder_with_it(engine: Engine) -> None:
    container = await start(engine, *SLEEP)
    await until(lambda: recorder_of(engine))
    pid = recorder_of(engine)
    await engine.containers.kill(container.id)
    await until(lambda: not recorder_of(engine))
    assert not os.path.exists(f"/proc/{pid}/fd/0")


async def test_a_history_without_a_container_is_swept(engine: Engine) -> None:
    orphan = engine.paths.history("f" * 64)
    orphan.write_bytes(b"")
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)):
        assert not orphan.exists()


async def test_a_file_of_another_kind_is_begun_anew(engine: Engine) -> None:
    container = await engine.containers.create(ContainerRequest(image="base", command=SLEEP, network="none"))
    engine.paths.history(container.id).write_bytes(b"something else" * 1000)
    assert (await hour_of(engine, container)).pids == ()
    await engine.containers.start(container.id)
    assert len((await steps_of(engine, container, 2)).pids) < 10


async def test_the_recorder_holds_nothing_of_a_container_that_has_gone(engine: Engine) -> None:
    stays = await start(engine, *SLEEP)
    await steps_of(engine, stays, 2)
    recorder = recorder_of(engine)
    before = len(os.listdir(f"/proc/{recorder}/fd"))
    others = [await start(engine, *SLEEP, network="bridge") for _ in range(3)]
    await until(lambda: len(os.listdir(f"/proc/{recorder}/fd")) > before + 6)
    for other in others:
        await engine.containers.remove(other.id, force=True)
    if recorder_of(engine) == recorder:
        await until(lambda: len(os.listdir(f"/proc/{recorder}/fd")) == before)
    assert not [name for name in os.listdir("/sys/class/net") if name.endswith(others[0].id[:8])]
