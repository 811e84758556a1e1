"""What a look costs where time can't be measured, as in a virtual machine: system calls, counted by strace."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import Engine
from engine.model import ContainerRequest
from tests.command_line import CHECKOUT

pytestmark = [pytest.mark.vm, pytest.mark.alone]

SLEEP = ContainerRequest(image="base", command=("sleep", "1000"), network="bridge")
MOST_PER_CONTAINER = 8
MOST_PER_CONTAINER_V1 = 12
MOST_PER_LOOK = 60  # for the list, the machine's own figures and the traffic of all
LIMITS_TURN = 20  # after so many looks each container's limits have been read once

# Looks without pauses, so that no clock decides how much is read; the first ones open all files.
PROGRAM = """
import sys, asyncio, time
import engine.sampler
from engine import Engine

engine.sampler._LONGEST_SECONDS = 1e9  # it gives way to others every few milliseconds, which here is always

def look(sampler, times):
    for _ in range(times):
        sampler._tick(time.monotonic())
    sys.stdout.write("looked\\n")
    sys.stdout.flush()
    sys.stdin.readline()

async def main(root, runroot, times):
    async with Engine.open(root, runroot) as engine:
        sampler = engine._open_sampler()
        sampler._listen(3600)
        sampler._call_off()
        look(sampler, 3)
        look(sampler, int(times))
        assert len(sampler._latest.containers) == len(await engine.containers.list())
        assert all(sample.cpu and sample.network for sample in sampler._latest.containers.values())

asyncio.run(main(*sys.argv[1:]))
"""


def per_look(engine: Engine, folder: Path) -> float:
    """System calls of one look, on average over as many as bring everything's turn."""
    roots = (str(engine.paths.root), str(engine.paths.runroot))
    argv = [sys.executable, "-c", PROGRAM, *roots, str(LIMITS_TURN)]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looking:
        await_look(looking)
        with counted(looking.pid, folder / "calls"):
            go_on(looking)
            await_look(looking)
        go_on(looking)
    assert looking.returncode == 0
    total = next(line.split() for line in (folder / "calls").read_text().splitlines() if line.endswith(" total"))
    return int(total[3]) / LIMITS_TURN


def await_look(looking: subprocess.Popen[str]) -> None:
    assert looking.stdout is not None
    assert looking.stdout.readline() == "looked\n"


def go_on(looking: subprocess.Popen[str]) -> None:
    assert looking.stdin is not None
    looking.stdin.write("\n")
    looking.stdin.flush()


@contextmanager
def counted(pid: int, report: Path) -> Iterator[None]:
    """A process's system calls meanwhile, in a report."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace isn't installed: apt-get install strace")
    # Where the clock is no system call (vdso(7)), as nearly everywhere but in an emulated machine.
    argv = [strace, "-f", "-c", "-e", "trace=!clock_gettime", "-o", str(report), "-p", str(pid)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as counting:
        assert counting.stderr is not None
        assert "attached" in counting.stderr.readline()
        yield
        counting.send_signal(signal.SIGINT)


async def test_a_container_takes_eight_system_calls_a_look_on_v2(
    engine: Engine, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for _ in range(2):
        await engine.containers.run(SLEEP)
    few = per_look(engine, tmp_path)
    for _ in range(4):
        await engine.containers.run(SLEEP)
    many = per_look(engine, tmp_path)
    per_container = (many - few) / 4
    once = few - 2 * per_container
    record_property("calls_per_container", per_container)
    record_property("calls_per_look", once)
    is_v2 = (await engine.info()).cgroup_version == "v2"
    assert 2 < per_container <= (MOST_PER_CONTAINER if is_v2 else MOST_PER_CONTAINER_V1)
    assert 0 < once <= MOST_PER_LOOK
