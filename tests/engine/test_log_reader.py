"""Reading a log that is written and rotated meanwhile: nothing lost at the seam, nothing twice."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import log_reader
from engine.log_config import SMALLEST_FILE_BYTES
from engine.log_files import LogFiles
from engine.log_lines import LINE_LIMIT
from engine.runtime.logs import PART_SIZE, LogWriter

FILES = 3
STREAMS = [b"stdout", b"stderr"]


class Log:
    """A log with its writer; `running` is what a follower is told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log"
        self.writer = LogWriter(str(self.path), SMALLEST_FILE_BYTES, FILES)
        self.running = True

    def write(self, *lines: bytes, stream: bytes = b"stdout") -> None:
        for line in lines:
            self.writer.write(stream, line + b"\n")

    def end(self) -> None:
        self.writer.close()
        self.running = False

    async def is_running(self) -> bool:
        return self.running

    def read(
        self, follow: bool = False, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> AsyncIterator[bytes]:
        wanted = log_reader.Reading(follow, tail, since, until)
        lines = log_reader.read(self.path, FILES, wanted, self.is_running)
        return (line.data async for line in lines)

    async def all(self, tail: int | None = None, since: int | None = None) -> list[bytes]:
        return [data async for data in self.read(tail=tail, since=since)]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def numbers(first: int, last: int, width: int = 1000) -> list[bytes]:
    return [b"%0*d" % (width, number) for number in range(first, last)]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_files_of_a_log_are_read_as_one_and_the_oldest_lines_are_forgotten(log: Log) -> None:
    log.write(*numbers(0, 300))
    found = await log.all()
    assert found == numbers(300 - len(found), 300) and len(found) > 240


async def test_a_log_that_isn_t_there_is_empty(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.path.unlink()
    assert await log.all() == []


@pytest.mark.parametrize("tail", [0, 1, 7, 130, 200, 1000])
async def test_the_last_lines_are_the_last_over_all_files(log: Log, tail: int) -> None:
    log.write(*numbers(0, 300))
    everything = await log.all()
    assert await log.all(tail=tail) == everything[max(0, len(everything) - tail) :]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from([b"stdout", b"stderr"]), st.integers(0, 5), st.integers(0, 40_000)), max_size=40
    ),
    st.integers(0, 12),
)
async def test_the_last_lines_are_whole_however_streams_and_parts_mix(
    tmp_path: Path, writes: list[tuple[bytes, int, int]], tail: int
) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    log = Log(tmp_path)
    for number, (stream, ends, size) in enumerate(writes):
        log.writer.write(stream, (b"%d" % (number % 10)) * size + b"\n" * (ends == 0))
    log.end()
    everything = await log.all()
    assert await log.all(tail=tail) == everything[max(0, len(everything) - tail) :]


async def test_the_last_line_of_a_large_log_is_found_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "log"
    LogWriter(str(path), 1 << 30, 1).write(b"stdout", b"a line of usual length, more or less\n" * 100_000)
    with LogFiles(path, 1) as files:
        files.skip_to_last(10)
        assert len(list(files.entries())) == 10


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(0, 3), st.integers(0, 60_000)), min_size=1, max_size=40),
    st.data(),
)
async def test_lines_since_a_time_are_those_of_all_lines(
    tmp_path: Path, writes: list[tuple[bytes, int, int]], data: st.DataObject
) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    log = Log(tmp_path)
    for number, (stream, ends, size) in enumerate(writes):
        log.writer.write(stream, (b"%d" % (number % 10)) * size + b"\n" * (ends == 0))
    log.end()
    reading = log_reader.Reading()
    everything = [line async for line in log_reader.read(log.path, FILES, reading, log.is_running)]
    since = data.draw(st.sampled_from([line.at_unix_ns for line in everything] or [0]))
    assert await log.all(since=since) == [line.data for line in everything if line.at_unix_ns >= since]


def minutes_of_lines(path: Path) -> int:
    """A log of 12 MB with a line a millisecond from 06:00 on."""
    form = b"2026-11-29T%02d:%02d:%02d.%09dZ stdout F line %08d of a log, with words as servers write them all day\n"
    with path.open("wb") as file:
        for begin in range(0, 120_000, 4_000):
            file.write(
                b"".join(
                    form % (6 + n // 3_600_000, n // 60_000 % 60, n // 1000 % 60, n % 1000 * 1_000_000, n)
                    for n in range(begin, begin + 4_000)
                )
            )
    return 1_795_932_000_000_000_000  # 2026-11-29T06:00:00Z


async def test_a_time_in_a_large_log_is_found_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "log"
    begin = minutes_of_lines(path)
    with LogFiles(path, 1) as files:
        files.skip_to_time(begin + 100_000 * 1_000_000)
        found = list(files.entries())
    assert 20_000 <= len(found) < 35_000  # a line's parts may begin 1 MB before
    assert b"line 00100000" in found[-20_000].data


async def test_a_follower_sees_every_line_once_over_many_rotations(log: Log) -> None:
    wanted = numbers(0, 1000)
    seen: list[bytes] = []

    async def follow() -> None:
        seen.extend([data async for data in log.read(follow=True)])

    async with asyncio.TaskGroup() as group:
        group.create_task(follow())
        for start in range(0, 1000, 50):
            log.write(*wanted[start : start + 50])
            await asyncio.sleep(0.02)
        log.end()
    assert seen == wanted


async def test_a_line_whose_parts_are_in_two_files_is_one_line_to_a_follower(log: Log) -> None:
    log.write(*numbers(0, 110))
    long = b"y" * (3 * PART_SIZE)
    async with aclosing(log.read(follow=True, tail=0)) as lines:
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.05)
        log.writer.write(b"stdout", long[:PART_SIZE])
        await asyncio.sleep(0.1)
        log.writer.write(b"stdout", long[PART_SIZE:] + b"\n")
        assert await waiting == long
    assert log.path.with_name("log.1").exists()


async def test_a_follower_that_lags_behind_goes_on_with_the_oldest_line_left(log: Log) -> None:
    log.write(b"first")
    async with aclosing(log.read(follow=True)) as lines:
        assert await anext(lines) == b"first"
        log.write(*numbers(0, 1000))
        log.end()
        seen = [int(data) async for data in lines]
    gaps = [(one, other) for one, other in pairwise(seen) if other != one + 1]
    assert seen[0] == 0 and seen[-1] == 999 and len(gaps) == 1 and gaps[0][0] < gaps[0][1]


async def test_a_rotation_between_two_looks_loses_nothing(log: Log) -> None:
    """A file is renamed after its end was read, and what came in between is read as well."""
    with LogFiles(log.path, FILES) as files:
        seen = []
        for number in range(400):
            log.write(b"%01000d" % number)
            if number % 7 == 0:
                seen += [entry.data for entry in files.entries()]
        seen += [entry.data for entry in files.entries()]
    assert seen == numbers(0, 400)


async def test_a_reader_of_a_long_log_leaves_others_their_turn(tmp_path: Path) -> None:
    path = tmp_path / "log"
    LogWriter(str(path), 1 << 30, 1).write(b"stdout", b"x\n" * 100_000)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    async for _ in log_reader.read(path, 1, log_reader.Reading(), Log(tmp_path).is_running):
        pass
    counting.cancel()
    assert turns > 100


async def test_a_line_without_end_comes_in_pieces(log: Log) -> None:
    log.writer = LogWriter(str(log.path), 64 << 20, FILES)
    for _ in range(40):
        log.writer.write(b"stdout", b"z" * 65_536)
    log.end()
    found = await log.all()
    assert len(found) == 3 and {len(piece) for piece in found[:2]} == {LINE_LIMIT}
    assert len(await log.all(tail=1)) == 1


async def test_a_follower_goes_on_by_the_clock_where_containers_have_taken_all_of_inotify(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel counts their instances with root's own."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("engine.linux.inotify.Inotify", refuse)
    monkeypatch.setattr("engine.log_reader.PATIENCE_SECONDS", 0.02)
    async with aclosing(log.read(follow=True)) as lines:
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.05)
        log.write(b"seen")
        assert await asyncio.wait_for(waiting, 10) == b"seen"
        log.end()
        assert [data async for data in lines] == []


async def test_a_span_of_time_is_cut_out_of_a_log_and_its_last_lines_are_counted_within(log: Log) -> None:
    times = []
    for line in numbers(0, 6, 10):
        times.append(time.time_ns())
        log.write(line)
        await asyncio.sleep(0.002)
    lines = numbers(0, 6, 10)
    assert [data async for data in log.read(since=times[2])] == lines[2:]
    assert [data async for data in log.read(until=times[2])] == lines[:2]
    assert [data async for data in log.read(since=times[1], until=times[5])] == lines[1:5]
    assert [data async for data in log.read(tail=2, until=times[4])] == lines[2:4]
    assert [data async for data in log.read(tail=3, since=times[5])] == lines[5:]


async def test_following_ends_at_the_time_that_was_asked_for(log: Log) -> None:
    log.write(b"before")
    until = time.time_ns() + 300_000_000
    found = []
    async with asyncio.timeout(20):
        async for data in log.read(follow=True, until=until):
            found.append(data)
            await asyncio.sleep(max(0.0, (until - time.time_ns()) / 1e9 + 0.01))
            log.write(b"after")
    assert found == [b"before"] and log.running
