"""Entries as a journal receives them, and a journal that receives none; `tests.cli.test_journal` has a real one."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runtime.journal import JournalWriter
from engine.runtime.logs import PART_SIZE

pytestmark = pytest.mark.alone


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.settimeout(5)
        yield sock


def entry(journal: socket.socket) -> dict[str, bytes]:
    """Fields of the next entry, all in the form with a length."""
    data, found = journal.recv(1 << 20), {}
    while data:
        name, _, rest = data.partition(b"\n")
        (length,) = struct.unpack_from("<Q", rest)
        found[name.decode()] = rest[8 : 8 + length]
        data = rest[9 + length :]
    return found


def test_lines_come_whole_and_long_ones_in_parts(journal: socket.socket, tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path / "socket"), {"CONTAINER_NAME": "web"})
    writer.write(b"stdout", b"half ")
    writer.write(b"stderr", b"\xff\x00=\n")
    writer.write(b"stdout", b"a line\n" + b"x" * (PART_SIZE + 5))
    writer.close()
    first, second, third, last = (entry(journal) for _ in range(4))
    assert first == {"CONTAINER_NAME": b"web", "PRIORITY": b"3", "MESSAGE": b"\xff\x00="}
    assert second == {"CONTAINER_NAME": b"web", "PRIORITY": b"6", "MESSAGE": b"half a line"}
    assert (third["CONTAINER_PARTIAL_MESSAGE"], len(third["MESSAGE"])) == (b"true", PART_SIZE)
    assert last["MESSAGE"] == b"xxxxx"


@pytest.mark.usefixtures("journal")
def test_one_that_takes_nothing_holds_nobody_up_for_long(tmp_path: Path) -> None:
    """Without the silence after an entry that wasn't taken, each line waits."""
    writer = JournalWriter(str(tmp_path / "socket"), {"CONTAINER_NAME": "web"})
    began = time.monotonic()
    for _ in range(100):
        writer.write(b"stdout", b"a line of usual length\n" * 1000)
    assert time.monotonic() - began < 3


def test_one_that_was_started_anew_is_found_again(tmp_path: Path) -> None:
    writer = JournalWriter(str(tmp_path / "socket"), {})
    for line in (b"one", b"two"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(str(tmp_path / "socket"))
            sock.settimeout(5)
            writer.write(b"stdout", line + b"\n")
            assert entry(sock)["MESSAGE"] == line
        (tmp_path / "socket").unlink()
        writer.write(b"stdout", b"lost\n")
