"""Logs whose full files are compressed while they are read: nothing lost, nothing twice."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import pytest

from engine import log_reader
from engine.log_config import SMALLEST_FILE_BYTES
from engine.log_files import LogFiles
from engine.runtime.log_compression import compress_all
from engine.runtime.logs import LogWriter

FILES = 4
LINE = b"%06d some more words, so that a file is full after some thousand lines"


class Log:
    """A log with its writer, which counts lines."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log"
        self.writer = LogWriter(str(self.path), SMALLEST_FILE_BYTES, FILES)
        self.written = 0

    def write(self, lines: int) -> None:
        numbers = range(self.written, self.written + lines)
        self.writer.write(b"stdout", b"".join(LINE % number + b"\n" for number in numbers))
        self.written += lines

    def compress(self) -> None:
        compress_all(str(self.path), FILES)

    def names(self) -> set[str]:
        return {path.name for path in self.path.parent.glob("log*")}

    async def is_running(self) -> bool:
        return True

    async def lines(self, tail: int | None = None, follow: bool = False) -> AsyncIterator[int]:
        wanted = log_reader.Reading(follow=follow, tail=tail)
        async for line in log_reader.read(self.path, FILES, wanted, self.is_running):
            yield int(line.data[:6])

    async def all(self, tail: int | None = None) -> list[int]:
        return [number async for number in self.lines(tail)]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


async def test_they_read_as_before(log: Log) -> None:
    log.write(4000)
    before = await log.all()
    log.compress()
    assert log.names() == {"log", "log.1.gz", "log.2.gz", "log.3.gz"}
    assert await log.all() == before and before[-1] == 3999


@pytest.mark.parametrize("tail", [0, 1, 500, 1500, 3000, 100_000])
async def test_the_end_may_begin_in_any_of_them(log: Log, tail: int) -> None:
    log.write(4000)
    log.compress()
    everything = await log.all()
    assert await log.all(tail) == (everything[-tail:] if tail else [])


async def test_they_grow_older_and_are_forgotten(log: Log) -> None:
    for _ in range(12):
        log.write(1100)
        log.compress()
    numbers = await log.all()
    assert log.names() == {"log", "log.1.gz", "log.2.gz", "log.3.gz"}
    assert numbers == list(range(numbers[0], log.written)) and numbers[0] > 0


@pytest.mark.parametrize("begin", [300, 1300, 2600])
async def test_a_follower_sees_every_line_once(log: Log, begin: int) -> None:
    """Its file is renamed, compressed and gone while it waits, and another has its inode."""
    log.write(begin)
    seen = []
    async with aclosing(log.lines(follow=True)) as lines:  # type: ignore[type-var]
        async for number in lines:
            seen.append(number)
            if number == log.written - 1:
                if log.written > 9000:
                    break
                log.write(1000)
                log.compress()
                log.write(200)
    assert seen == list(range(log.written))


async def test_whoever_is_killed_between_two_steps_leaves_a_log_that_reads(log: Log) -> None:
    log.write(2500)
    first, kept = log.path.parent / "log.1", log.path.parent / "kept"
    before = await log.all()
    os.link(first, kept)
    log.compress()
    os.link(kept, first)  # both forms are there
    (log.path.parent / "log.gz.new").write_bytes(b"half of")
    assert await log.all() == before
    log.compress()
    assert not first.exists() and await log.all() == before


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _spoil(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :]


@pytest.mark.parametrize("damage", [_cut, _spoil])
async def test_of_a_damaged_one_the_rest_is_shown(log: Log, damage: Callable[[bytes], bytes]) -> None:
    log.write(2500)
    log.compress()
    victim = log.path.parent / "log.1.gz"
    victim.write_bytes(damage(victim.read_bytes()))
    lines = [line.data async for line in log_reader.read(log.path, FILES, log_reader.Reading(), log.is_running)]
    assert LINE % 2499 in lines and LINE % 0 in lines


def test_the_end_is_found_without_unpacking_what_is_before(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(4000)
    log.compress()

    def refuse(**_: object) -> BinaryIO:
        raise AssertionError("a compressed file was unpacked")

    monkeypatch.setattr("engine.log_file.gzip.GzipFile", refuse)
    with LogFiles(log.path, FILES) as files:
        files.skip_to_last(10)
        assert [entry.data[:6] for entry in files.entries()][-1] == b"003999"
    with LogFiles(log.path, FILES) as files, pytest.raises(AssertionError, match="was unpacked"):
        files.skip_to_last(3000)
