"""Running out of memory and meeting a limit are told at once, once, and in the right order, whoever looks and when."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import layout
from engine.cgroups.manager import Cgroup
from engine.model import Event, Limits
from engine.runtime import status
from tests.engine.attacks import inside
from tests.engine.attacks.inside import execute, first_line, perl, start

pytestmark = [pytest.mark.vm, pytest.mark.alone]

PATIENCE_SECONDS = 20.0
MIB = 1 << 20
LIMIT = Limits(memory_bytes=32 * MIB)
BOMB = 'my @a; push @a, "x" x 1048576 while 1;'
FIRST_TO_GO = "open my $s, '>', '/proc/self/oom_score_adj'; print $s 1000; close $s; "  # not its parent
CHILD_BOMB = "sub bomb { if (!fork) { " + FIRST_TO_GO + BOMB + " } wait; } "
FORK_BOMB = '$SIG{CHLD} = "IGNORE"; while (1) { fork; select(undef, undef, undef, 0.001) }'
READ_ALL = "while (1) { open my $f, '<', '/x'; 1 while read $f, my $b, 65536 }"
PAGE_CACHE = "open my $f, '>', '/x'; print $f 'x' x 1048576 for 1..100; close $f; " + READ_ALL
FULL = "my $x; $x .= 'x' x 65536 for 1..400; " + PAGE_CACHE  # 25 MiB and the interpreter


@pytest.fixture
async def engine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    await inside.ensure_image(engine, tmp_path_factory.getbasetemp())
    return engine


class Heard:
    """What a front end has been told, with the time (since the epoch) at which it was."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at: list[float] = []
        self._more = asyncio.Event()

    async def listen(self, engine: Engine, after: int | None = None) -> None:
        async for event in engine.events(after):
            self.events.append(event)
            self.at.append(time.time())
            self._more.set()

    async def until(self, action: str, times: int = 1) -> list[Event]:
        """Everything, once it has this so often."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.of(action)) < times:
                self._more.clear()
                await self._more.wait()
        return self.events

    def of(self, action: str) -> list[Event]:
        return [event for event in self.events if event.action == action]


@asynccontextmanager
async def listening(engine: Engine, after: int | None = None) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(heard.listen(engine, engine.database.latest_revision() if after is None else after))
    try:
        yield heard
    finally:
        task.cancel()


@asynccontextmanager
async def another(engine: Engine) -> AsyncIterator[Engine]:
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        yield other


def told(events: list[Event]) -> list[tuple[str, str, int]]:
    """What was told; the kernel's log tells who of ten kills in five seconds only (mm/oom_kill.c), others' included."""
    details = {"1 killed": "1 killed: perl"}
    return [(event.action, details.get(event.detail, event.detail), event.count) for event in events]


def told_but_for_limits(events: list[Event]) -> list[tuple[str, str, int]]:
    """What was told, without the limit of memory that whoever runs out of it may be seen to meet before."""
    return told([event for event in events if event.action != "limit"])


def shim_pid(engine: Engine, container: str) -> int:
    found = status.read(engine.paths.status(container))
    assert found is not None
    return found.shim_pid


async def counted_kills(engine: Engine, container: str, kills: int) -> None:
    cgroup = Cgroup.open(engine.paths.cgroup_path(container))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while cgroup.oom_kills() < kills:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("userns", ["auto", "host"])  # where its processes are in the cgroup, or in one below it
async def test_a_memory_bomb_is_told_of_before_the_end_that_it_causes(engine: Engine, userns: str) -> None:
    async with listening(engine) as heard:
        container = await start(engine, *perl(BOMB), limits=LIMIT, userns=userns)
        events = await heard.until("die")
    expected = [("create", "", 0), ("start", "", 0), ("oom", "1 killed: perl", 1), ("die", "137", 0)]
    assert told_but_for_limits(events) == expected
    assert [event.at_unix_ns for event in events] == sorted(event.at_unix_ns for event in events)
    ended = await engine.containers.get(container)
    assert ended.oom_killed and ended.incidents.oom_kills.count == 1


async def test_each_kill_of_a_child_is_told_at_once_while_the_container_lives_on(engine: Engine) -> None:
    async with listening(engine) as heard:
        script = CHILD_BOMB + "for (1..3) { bomb(); select(undef, undef, undef, 0.4) } sleep 1000"
        container = await start(engine, *perl(script), limits=LIMIT)
        await heard.until("oom", 3)
        delays = [at - event.at_unix_ns / 1e9 for event, at in zip(heard.events, heard.at, strict=True)][-3:]
    assert told(heard.of("oom")) == [("oom", "1 killed: perl", 1)] * 3
    assert min(delays) < 0.2  # on a quiet machine 0.03
    now = await engine.containers.get(container)
    assert now.is_running and now.incidents.oom_kills.who in ("perl", "")
    await engine.containers.kill(container)
    assert not (await engine.containers.get(container)).oom_killed  # somebody killed it, not the kernel


async def test_a_memory_bomb_in_an_exec_ends_with_137_and_is_told(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000", limits=LIMIT)
    async with listening(engine) as heard:
        session = await engine.containers.exec(container, inside.ExecRequest(argv=perl(BOMB)))
        assert (await inside.output(session))[1] == 137
        await heard.until("oom")
    assert told_but_for_limits(heard.events) == [("oom", "1 killed: perl", 1)]
    assert (await engine.containers.get(container)).is_running


@pytest.mark.parametrize("userns", ["auto", "host"])
async def test_a_fork_bomb_is_told_in_a_few_words_with_the_right_total(engine: Engine, userns: str) -> None:
    async with listening(engine) as heard:
        container = await start(engine, *perl(FORK_BOMB), limits=Limits(pids=20), userns=userns)
        await heard.until("limit", 2)
        assert len(heard.of("limit")) <= 3
        await engine.containers.kill(container)
        await heard.until("die")
    ended = await engine.containers.get(container)
    assert {event.detail for event in heard.of("limit")} == {"pids"}
    assert sum(event.count for event in heard.of("limit")) == ended.incidents.pids_limit.count > 100
    actions = [event.action for event in heard.events if event.action != "kill"]
    assert actions == ["create", "start", *["limit"] * (len(actions) - 3), "die"]


async def test_page_cache_that_fills_the_limit_is_nothing_to_tell(engine: Engine) -> None:
    async with listening(engine) as heard:
        container = await start(engine, *perl(PAGE_CACHE), limits=LIMIT)
        await asyncio.sleep(3)
        await engine.containers.kill(container)
        await heard.until("die")
    assert [event.action for event in heard.events if event.action in ("oom", "limit")] == []


async def test_a_container_that_has_hardly_anything_left_to_drop_has_met_its_limit(engine: Engine) -> None:
    async with listening(engine) as heard:
        await start(engine, *perl(FULL), limits=Limits(memory_bytes=30 * MIB))
        await heard.until("limit")
        await asyncio.sleep(2)
    assert told(heard.of("limit")) == [("limit", "memory", 1)]
    assert not heard.of("oom")


async def test_two_engines_tell_everything_once_each_and_in_the_same_order(engine: Engine) -> None:
    async with another(engine) as other, listening(engine) as here, listening(other) as there:
        await start(engine, *perl(CHILD_BOMB + "bomb() for 1..5; sleep 1; " + BOMB), limits=LIMIT)
        assert await here.until("die") == await there.until("die")
    assert sum(event.count for event in here.of("oom")) == 6
    assert here.events == engine.database.events_after(here.events[0].revision - 1)


async def test_what_happened_while_no_engine_was_open_is_told_by_the_next(engine: Engine) -> None:
    async with another(engine) as first:
        container = await start(first, *perl("sleep 1; " + CHILD_BOMB + "bomb(); sleep 1000"), limits=LIMIT)
        before = first.database.latest_revision()
    # nobody folds anything meanwhile: this test's own engine isn't asked
    await counted_kills(engine, container, 1)
    happened = time.time()
    await asyncio.sleep(0.5)
    async with another(engine) as next_one, listening(next_one, before) as heard:
        (event,) = await heard.until("oom")
        assert told([event]) == [("oom", "1 killed: perl", 1)]
        assert abs(event.at_unix_ns / 1e9 - happened) < 0.4  # when it happened, not when it was read
        assert (await next_one.containers.get(container)).incidents.oom_kills.count == 1


async def test_what_a_killed_shim_could_not_say_is_told_in_its_place(engine: Engine) -> None:
    container = await start(engine, *perl("sleep 1; " + CHILD_BOMB + "bomb(); sleep 1000"), limits=LIMIT)
    before = engine.database.latest_revision()
    shim = shim_pid(engine, container)
    os.kill(shim, signal.SIGSTOP)
    await counted_kills(engine, container, 1)
    os.kill(shim, signal.SIGKILL)
    async with listening(engine, before) as heard:
        await heard.until("die")
    assert told_but_for_limits(heard.events) == [("oom", "1 killed: perl", 1), ("die", "137", 0)]


async def test_a_new_start_begins_to_count_anew(engine: Engine) -> None:
    async with listening(engine) as heard:
        container = await start(engine, *perl(BOMB), limits=LIMIT)
        await heard.until("die")
        await engine.containers.start(container)
        await heard.until("die", 2)
    assert [event.count for event in heard.of("oom")] == [1, 1]
    assert (await engine.containers.get(container)).incidents.oom_kills.count == 1


async def test_who_waits_for_memory_instead_of_being_killed_is_told_as_stopped(engine: Engine) -> None:
    if layout.detect().version == "v2":
        pytest.skip("there is always an OOM killer on v2")
    limits = Limits(memory_bytes=32 * MIB, oom_kill_disable=True)
    async with listening(engine) as heard:
        container = await start(engine, *perl(BOMB), limits=limits)
        await heard.until("oom")
        assert (await engine.containers.get(container)).is_running
        await engine.containers.kill(container)
    assert told(heard.of("oom"))[0] == ("oom", "0 killed, stopped at its memory limit", 0)
    assert not (await engine.containers.get(container)).oom_killed


async def test_a_flood_of_incidents_slows_neither_its_shim_nor_others(engine: Engine) -> None:
    script = 'print "ready\\n"; ' + CHILD_BOMB + "bomb() while 1;"
    flood = await start(engine, *perl(script), limits=Limits(memory_bytes=8 * MIB))
    assert await first_line(engine, flood) == "ready"
    other, shim = await start(engine, "sleep", "1000"), shim_pid(engine, flood)
    descriptors = len(os.listdir(f"/proc/{shim}/fd"))
    async with listening(engine) as heard:
        await heard.until("oom")
        before, began = cpu_seconds(shim), time.monotonic()
        await asyncio.sleep(3)
        used, passed = cpu_seconds(shim) - before, time.monotonic() - began
        kills = Cgroup.open(engine.paths.cgroup_path(flood)).oom_kills()
        assert len(heard.of("oom")) <= 4 * passed + 3 and kills > 3
        assert used < 0.3 * passed  # 0.02 as a rule, and a tenth of the speed where it is emulated
    assert await execute(engine, other, "echo", "alive") == "alive\n"
    assert len(os.listdir(f"/proc/{shim}/fd")) <= descriptors + 1
    await engine.containers.kill(flood)
    ended = await engine.containers.get(flood)
    told_kills = [
        event.count for event in engine.database.events_after(0) if (event.subject, event.action) == (flood, "oom")
    ]
    assert sum(told_kills) == ended.incidents.oom_kills.count >= kills


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
