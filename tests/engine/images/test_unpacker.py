"""Layers are unpacked in processes that nobody has to wait for, and that nobody loses sight of."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ImageError, StoreError
from engine.images.limits import Limits
from engine.images.lock import removing_content, sharing_content
from engine.images.unpacker import Unpacker
from engine.paths import Paths
from tests.engine.images.conftest import MakeMember, MakeTar

NOISE = random.Random(1).randbytes(3_000_000)  # more than a pipe holds


@pytest.fixture
def folder(target: Path) -> Iterator[int]:
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def lock(paths: Paths) -> Iterator[int]:
    with sharing_content(paths) as descriptor:
        yield descriptor


@pytest.fixture
def unpacker() -> Iterator[Unpacker]:
    with Unpacker() as made:
        yield made


class Dripping:
    """An archive that comes byte by byte at first, and has something happen at its second piece."""

    def __init__(self, data: bytes, then: object = None) -> None:
        self._stream = io.BytesIO(data)
        self._then = then

    def read(self, size: int, /) -> bytes:
        if self._stream.tell() > 1_000_000 and callable(self._then):
            self._then()
        return self._stream.read(1 if self._stream.tell() < 20 else size)


def children_of(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_an_archive_becomes_files_and_what_is_wrong_is_said_as_if_it_were_said_here(
    unpacker: Unpacker, folder: int, lock: int, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    data, told = tar(member("noise", NOISE), member("a/b", b"content")), [0]
    packed = gzip.compress(data, 1)
    done = unpacker.unpack(Dripping(packed), folder, lock, told.append, Limits())
    assert (done.diff_id, done.size_bytes) == (f"sha256:{hashlib.sha256(data).hexdigest()}", len(NOISE) + 7)
    assert (target / "noise").read_bytes() == NOISE and (target / "a/b").read_bytes() == b"content"
    assert sum(told) == len(packed)
    with pytest.raises(ImageError, match=r"'\.\./out', which leads out of it: don't trust this archive"):
        unpacker.unpack(Dripping(tar(member("../out", NOISE))), folder, lock, told.append, Limits())
    with pytest.raises(ImageError, match="raise layer_bytes"):
        unpacker.unpack(Dripping(data), folder, lock, told.append, Limits(layer_bytes=1000))
    assert sorted(os.listdir(target)) == ["a", "noise"]


def test_who_isn_t_waited_for_any_more_is_gone_and_the_next_is_served(
    unpacker: Unpacker, folder: int, lock: int, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    data = tar(member("noise", NOISE))
    (server,) = children_of(os.getpid())
    forks: list[int] = []

    def stop() -> None:
        forks.extend(children_of(server))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpacker.unpack(Dripping(data, stop), folder, lock, lambda size: None, Limits())
    assert len(forks) == 1 and not Path(f"/proc/{forks[0]}").exists()
    (target / "noise").unlink(missing_ok=True)
    assert unpacker.unpack(Dripping(data), folder, lock, lambda size: None, Limits()).size_bytes == len(NOISE)


def test_processes_that_are_killed_are_missed_and_hold_the_lock_until_they_are_gone(
    unpacker: Unpacker, folder: int, paths: Paths, tar: MakeTar, member: MakeMember
) -> None:
    data = tar(member("noise", NOISE))
    (server,) = children_of(os.getpid())

    def kill() -> None:
        (fork,) = children_of(server)
        os.close(ours.pop())  # what is held is held by the fork alone
        with removing_content(paths) as alone:
            assert not alone
        os.kill(fork, signal.SIGKILL)

    with sharing_content(paths) as lock:
        ours = [os.dup(lock)]
    with removing_content(paths) as alone:
        assert not alone
    with pytest.raises(StoreError, match="was killed"):
        unpacker.unpack(Dripping(data, lambda: ours and kill()), folder, ours[0], lambda size: None, Limits())
    with removing_content(paths) as alone:
        assert alone
    os.kill(server, signal.SIGKILL)
    with sharing_content(paths) as lock, pytest.raises(StoreError, match="was killed"):
        unpacker.unpack(Dripping(data), folder, lock, lambda size: None, Limits())


def test_forks_end_with_their_server(
    unpacker: Unpacker, folder: int, lock: int, tar: MakeTar, member: MakeMember
) -> None:
    """A killed engine's sockets close; its server ends then, and nobody goes on writing."""
    (server,) = children_of(os.getpid())
    with pytest.raises(StoreError, match="was killed"):
        unpacker.unpack(
            Dripping(tar(member("noise", NOISE)), lambda: os.kill(server, signal.SIGKILL)),
            folder, lock, lambda size: None, Limits(),
        )  # fmt: skip
