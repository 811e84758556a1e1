"""A fork bomb and a memory bomb: they end, or are ended, and nobody else notices."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine import Engine
from engine.cgroups.manager import Cgroup
from engine.compile.resources import DEFAULT_PIDS
from engine.model import Limits, State
from tests.engine.attacks.inside import execute, first_line, lines, perl, run, start
from tests.engine.traces import traces

pytestmark = [pytest.mark.vm, pytest.mark.alone]

PATIENCE_SECONDS = 20.0
FORK_BOMB = 'print "ready\\n"; $SIG{CHLD} = "IGNORE"; while (1) { fork; select(undef, undef, undef, 0.001) }'
SOME_MEMORY = 32 << 20


async def test_a_fork_bomb_stays_within_its_limit_and_is_removed_in_time(attacked: Engine) -> None:
    """Tried with a limit of 1,000 in its place: they are 1,000 at once. That they then die is the kernel's doing, as
    their pid namespace ends: killing the cgroup's processes only once is no difference."""
    bomb = await start(attacked, *perl(FORK_BOMB), limits=Limits(pids=60))
    other = await start(attacked, "sleep", "1000")
    assert await first_line(attacked, bomb) == "ready"
    cgroup = Cgroup.open(attacked.paths.cgroup_path(bomb))
    for _ in range(20):
        assert len(list(cgroup.processes())) <= 60
        await asyncio.sleep(0.02)
    assert len(list(cgroup.processes())) > 30
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await execute(attacked, other, "echo", "alive") == "alive\n"
        await attacked.containers.remove(bomb, force=True)
        assert time.monotonic() - began < 10
        await attacked.containers.remove(other, force=True)
    assert await traces(attacked) == []


async def test_every_container_has_a_limit_of_processes(attacked: Engine) -> None:
    """Tried without the default: there is no limit."""
    for limits, expected in ((Limits(), DEFAULT_PIDS), (Limits(pids=-1), None)):
        container = await start(attacked, "sleep", "1000", limits=limits)
        assert Cgroup.open(attacked.paths.cgroup_path(container)).read_limits().pids == expected


MEMORY_BOMBS = {
    "by itself": 'my @a; push @a, "x" x 1048576 while 1',
    "in /dev/shm": """open(my $f, ">", "/dev/shm/x"); syswrite($f, "x" x 1048576) for 1..60;
        my @a; push @a, "y" x 1048576 while 1""",
}


@pytest.mark.parametrize("how", MEMORY_BOMBS)
async def test_a_memory_bomb_is_killed_and_said_to_have_been(attacked: Engine, how: str) -> None:
    """Tried without the limit, and bombs that stop at 200 MiB: they end with 0.

    Tried with a shim that doesn't ask for `oom_kills`: nobody says why it was killed.
    """
    other = await start(attacked, "sleep", "1000", limits=Limits(memory_bytes=SOME_MEMORY))
    bomb = await start(attacked, *perl(MEMORY_BOMBS[how]), limits=Limits(memory_bytes=SOME_MEMORY))
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await attacked.containers.wait(bomb) == 137
    ended = await attacked.containers.get(bomb)
    assert ended.oom_killed and ended.state is State.EXITED
    assert not (await attacked.containers.get(other)).oom_killed
    assert await execute(attacked, other, "echo", "alive") == "alive\n"


async def test_a_child_that_is_killed_for_memory_takes_nobody_along(attacked: Engine) -> None:
    """Tried without the limit, and a bomb that stops at 200 MiB: the child lives. Whom it kills the kernel chooses."""
    script = 'if (fork) { wait; printf "%d\\n", $? & 127; sleep 1000 } ' + MEMORY_BOMBS["by itself"]
    container = await start(attacked, *perl(script), limits=Limits(memory_bytes=SOME_MEMORY))
    assert await first_line(attacked, container) == "9"
    assert await execute(attacked, container, "echo", "alive") == "alive\n"


# Many small ones: what is killed is the largest, which would be the shim's process
SWARM = 'my $n = 2097152; for (1..60) { next if fork; my $x = "x" x $n; sleep 2; exit } 1 while wait > 0'


async def test_a_memory_bomb_in_an_exec_is_no_end_of_the_container_s_shim(attacked: Engine) -> None:
    """Tried with the shim in the container's cgroup: it is the one that is killed. Without the limit, nobody is."""
    container = await start(attacked, "sleep", "1000", limits=Limits(memory_bytes=SOME_MEMORY))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await execute(attacked, container, *perl(SWARM))
        cgroup = Cgroup.open(attacked.paths.cgroup_path(container))
        assert cgroup.oom_kills() > 0
        while len(cgroup.processes()) > 1:  # the kernel may have killed the first of the swarm, whose children live on
            await asyncio.sleep(0.05)
        assert await execute(attacked, container, "echo", "alive") == "alive\n"


async def test_no_container_makes_itself_less_likely_to_be_killed(attacked: Engine, userns: str) -> None:
    """Tried in the virtual machine with CAP_SYS_RESOURCE among the defaults: it is lowered (userns host)."""
    script = 'for my $v (-1, -1000) { print spit("/proc/self/oom_score_adj", $v) ? "lowered\\n" : "" } print "tried\\n"'
    assert await run(attacked, *perl(script), userns=userns) == "tried\n"


@pytest.mark.parametrize("pid", ["private", "host"])
async def test_orphans_of_a_bomb_die_with_the_container(attacked: Engine, pid: str) -> None:
    """What leaves its session and its parent is still in the pid namespace, whose end is the kernel's doing.

    On the host's they are still in the cgroup. Tried without killing who is left in that: they live on there.
    """
    script = "for (1..20) { fork or do { setpgrp; fork and exit; sleep 1000 } } print qq(ready\\n); sleep 1"
    container = await start(attacked, *perl(script), pid=pid)
    assert await attacked.containers.wait(container) == 0
    assert [line async for line in lines(attacked, container)] == ["ready"]
    await attacked.containers.remove(container)
    assert await traces(attacked) == []
