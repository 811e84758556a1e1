"""Whoever waits for changes hears of them at once, and costs nothing until then."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from engine.linux.inotify import Inotify
from engine.watching import changes

pytestmark = pytest.mark.alone

LONG = 60.0


@pytest.mark.parametrize("how", ["written", "appended", "replaced", "removed", "touched"])
async def test_every_kind_of_change_wakes_at_once(tmp_path: Path, how: str) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    async with aclosing(changes(tmp_path, patience_seconds=LONG)) as watch:
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        if how == "written":
            (tmp_path / "other").write_text("new")
        elif how == "appended":
            with file.open("a") as stream:
                stream.write("more")
        elif how == "replaced":
            (tmp_path.parent / "aside").write_text("after")
            (tmp_path.parent / "aside").rename(file)
        elif how == "removed":
            file.unlink()
        else:
            file.touch()
        assert await asyncio.wait_for(waiting, 5)


async def test_what_does_not_matter_wakes_nobody(tmp_path: Path) -> None:
    async with aclosing(changes(tmp_path, matters=lambda path: path.endswith(".toml"), patience_seconds=LONG)) as watch:
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0.02)
        (tmp_path / "notes.txt").write_text("")
        await asyncio.sleep(0.1)
        assert not waiting.done()
        (tmp_path / "mine.toml").write_text("")
        await asyncio.wait_for(waiting, 5)


async def test_patience_ends_without_a_change(tmp_path: Path) -> None:
    async with aclosing(changes(tmp_path, patience_seconds=0.02)) as watch:
        assert not await asyncio.wait_for(anext(watch), 5)
        assert not await asyncio.wait_for(anext(watch), 5)


async def test_changes_that_nobody_takes_yet_cost_no_time_and_are_told_as_one(tmp_path: Path) -> None:
    async with aclosing(changes(tmp_path, patience_seconds=LONG)) as watch:
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0.02)
        for number in range(100):
            (tmp_path / f"{number}").write_text("")
        await asyncio.wait_for(waiting, 5)
        (tmp_path / "after").write_text("")
        begun = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - begun < 0.1  # a loop that spins on a readable descriptor takes all of it
        await asyncio.wait_for(anext(watch), 5)
        with suppress(TimeoutError):
            await asyncio.wait_for(anext(watch), 0.05)
            pytest.fail("there was nothing more to tell")


async def test_a_folder_that_is_not_there_is_watched_by_the_clock(tmp_path: Path) -> None:
    async with aclosing(changes(tmp_path / "none", patience_seconds=0.02)) as watch:
        await asyncio.wait_for(anext(watch), 5)


def test_a_flood_is_told_as_such(tmp_path: Path) -> None:
    watch = Inotify([str(tmp_path)])
    try:
        queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        file = tmp_path / "file"
        other = tmp_path / "other"
        file.write_text("")
        for _ in range(queue // 2 + 10):
            file.touch()
            other.touch()
        assert watch.read() is None
        assert watch.read() == []
    finally:
        watch.close()
