"""What is on its way is read as far as it has come, and no further."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.images.arrival import Arrival
from engine.images.monitor import Stopped

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "blob", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def in_a_thread(work: object) -> threading.Thread:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_a_reader_gets_all_of_it_though_it_comes_in_pieces(descriptor: int) -> None:
    arrival = Arrival(lambda: None)

    def fetch() -> None:
        arrival.offer(descriptor)
        for start in range(0, len(CONTENT), 1000):
            os.write(descriptor, CONTENT[start : start + 1000])
            arrival.grow(min(start + 1000, len(CONTENT)))
        arrival.end(is_whole=True)

    with closing(arrival):
        thread = in_a_thread(fetch)
        assert b"".join(iter(lambda: arrival.read(7777), b"")) == CONTENT
        assert arrival.is_over and arrival.is_whole and not arrival.began_anew
        thread.join()


def test_what_doesn_t_come_stops_the_reader(descriptor: int) -> None:
    with closing(Arrival(lambda: None)) as arrival:
        os.write(descriptor, b"half")
        arrival.offer(descriptor, 4)
        assert arrival.read(100) == b"half"
        thread = in_a_thread(lambda: arrival.end(is_whole=False))
        with pytest.raises(Stopped):
            arrival.read(100)
        thread.join()


def test_a_reader_that_waits_in_vain_can_be_stopped() -> None:
    def check() -> None:
        raise Stopped

    with closing(Arrival(check)) as arrival, pytest.raises(Stopped):
        arrival.read(1)
    with pytest.raises(Stopped):
        arrival.wait()


def test_what_had_to_begin_anew_is_known(descriptor: int) -> None:
    with closing(Arrival(lambda: None)) as arrival:
        os.write(descriptor, b"wrong")
        arrival.offer(descriptor, 5)
        assert arrival.read(5) == b"wrong"
        os.ftruncate(descriptor, 0)
        arrival.grow(0)
        os.pwrite(descriptor, b"right and more", 0)
        arrival.grow(14)
        arrival.end(is_whole=True)
        assert arrival.read(100) == b" and more"
        assert arrival.began_anew


def test_nobody_s_descriptor_stays_open(descriptor: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    arrival = Arrival(lambda: None)
    arrival.offer(descriptor)
    arrival.close()
    arrival.offer(descriptor)
    assert len(os.listdir("/proc/self/fd")) == before
