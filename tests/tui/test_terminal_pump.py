"""Bytes between a process and its emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import perf_counter

import pytest

from tests.tui.emulators import EMULATORS
from tests.tui.pty_session import PtySession
from tui.terminal.emulator import Emulator
from tui.terminal.pump import Pump

pytestmark = pytest.mark.alone


class Tested:
    kind: type[Emulator]


@pytest.fixture(params=EMULATORS, scope="module", autouse=True)
def kind(request: pytest.FixtureRequest) -> None:
    Tested.kind = request.param


@asynccontextmanager
async def carried(*argv: str) -> AsyncIterator[tuple[Pump, Emulator, asyncio.Task[int]]]:
    session, emulator = PtySession.spawn(*argv), Tested.kind(40, 5)
    pump = Pump(session, emulator, lambda: None)
    tasks = asyncio.create_task(pump.carry_output()), asyncio.create_task(pump.carry_input())
    try:
        yield pump, emulator, tasks[0]
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await session.close()


def text(emulator: Emulator) -> str:
    return "\n".join("".join(run.text for run in emulator.row(y)).rstrip() for y in range(emulator.rows))


async def test_the_exit_status_comes_after_the_last_output() -> None:
    async with carried("sh", "-c", "seq 1000; echo end; exit 9") as (_, emulator, output):
        assert await asyncio.wait_for(output, 5) == 9
        assert "end" in text(emulator)


async def test_a_process_that_asks_where_the_cursor_is_gets_an_answer() -> None:
    ask = r"stty raw -echo; printf 'ab\033[6n'; dd bs=1 count=6 2>/dev/null | od -c | head -1"
    async with carried("sh", "-c", ask) as (_, emulator, output):
        await asyncio.wait_for(output, 5)
        assert "[   1   ;   3   R" in text(emulator)


async def test_typing_to_a_process_that_does_not_read_holds_nobody_up() -> None:
    async with carried("sleep", "60") as (pump, _, _):
        began = perf_counter()
        pump.type(b"x" * 1_000_000)
        await asyncio.sleep(0.05)
        assert perf_counter() - began < 1


async def test_only_the_latest_size_is_sent() -> None:
    async with carried("sh", "-c", "trap 'stty size' WINCH; while :; do sleep 0.05; done") as (pump, emulator, _):
        await asyncio.sleep(0.2)
        for columns in range(50, 91):
            pump.resize(20, columns)
        await asyncio.sleep(0.5)
        assert text(emulator).split() == ["20", "90"]


async def test_typing_after_the_end_is_forgotten() -> None:
    async with carried("true") as (pump, _, output):
        assert await asyncio.wait_for(output, 5) == 0
        pump.type(b"too late")
        await asyncio.sleep(0.05)


async def test_a_flood_ends_with_its_last_lines_and_a_history_without_gaps() -> None:
    async with carried("seq", "400000") as (pump, emulator, output):
        assert await asyncio.wait_for(output, 60) == 0
        assert text(emulator).split() == ["399997", "399998", "399999", "400000"]
        await pump.catch_up()
        kept = [int(emulator.line_text(line)) for line in range(emulator.history_rows)]
        assert kept == list(range(399_997 - len(kept), 399_997))
        assert len(kept) > 9_000
