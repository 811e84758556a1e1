"""The file with a container's past: two rings of records, one slot for each second of an hour and each minute of a day.

A slot is found by the time alone (`second % 3600`, `minute % 1440`), and a record says which lap of its ring it was
written in, so that what is left of an earlier lap is known as such. One pwrite(2) replaces a record; readers look at
any moment and without a lock, and a sum tells a record that was half written.

The file is sparse: memory of the tmpfs that it is on is taken as slots fill up, 98 KiB in the end.

Record, 20 bytes, little endian: lap (u16, 0 is an empty slot), processor percent (half-precision float), working set
in 4 KiB (u32), bytes per second read, written, received, sent (half-precision floats, in MiB), pids (u16), sum (u16).
A half-precision float (IEEE 754 binary16) is exact to 0.05 %.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

MAGIC = b"boxdeck history 1 \r\n"
RECORD_BYTES = 20
UNKNOWN = float("nan")

_RECORD = struct.Struct("<HeIeeeeHH")
_BODY = struct.Struct("<HeIeeeeH")
_SUM_MODULUS = 65_521  # the largest prime below 2 ** 16
_LAPS = 65_535  # so many are told apart, 7 years of hours; a lap is stored as 1 to 65,535
_LARGEST_HALF = 65_504.0
_MIB = float(1 << 20)
_PAGE = 4096.0
_NO_PAGES = 0xFFFF_FFFF
_NO_PIDS = 0xFFFF
_SECONDS_PER_MINUTE = 60

Record = tuple[int, float, int, float, float, float, float, int, int]
"""Lap, figures as they are stored, and sum."""
Column = tuple[float | None, ...]

_BLANK: Record = (0, UNKNOWN, _NO_PAGES, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, _NO_PIDS, 0)


class Figures(NamedTuple):
    """What was used in one step of time; NaN is what isn't known."""

    cpu_percent: float = UNKNOWN
    memory_bytes: float = UNKNOWN
    read_bytes_per_second: float = UNKNOWN
    written_bytes_per_second: float = UNKNOWN
    received_bytes_per_second: float = UNKNOWN
    sent_bytes_per_second: float = UNKNOWN
    pids: float = UNKNOWN


class Ring(NamedTuple):
    """One of the two.

    Attributes:
        at: where it begins in the file, in bytes.
        slots: how many it has.
        step_seconds: what one is of.
    """

    at: int
    slots: int
    step_seconds: int

    def offset(self, step: int) -> int:
        """Where in the file the record of a step is (seconds or minutes since 1970)."""
        return self.at + step % self.slots * RECORD_BYTES

    def lap(self, step: int) -> int:
        """How a record of a step says that it is of this step and not of one some laps earlier."""
        return step // self.slots % _LAPS + 1

    def first_step(self, lap: int, latest: int) -> int:
        """The step of slot 0 in a lap: of the last one that was called so and began no later than `latest`."""
        now = latest // self.slots
        return (now - (now % _LAPS + 1 - lap) % _LAPS) * self.slots


SECONDS = Ring(len(MAGIC), 3600, 1)
MINUTES = Ring(len(MAGIC) + 3600 * RECORD_BYTES, 1440, 60)
FILE_BYTES = MINUTES.at + MINUTES.slots * RECORD_BYTES


def pack(lap: int, figures: Figures) -> bytes:
    """A record; what is too large for its place becomes the largest that fits."""
    cpu, memory, read, written, received, sent, pids = figures
    body = _BODY.pack(
        lap,
        _half(cpu),
        min(int(memory / _PAGE), _NO_PAGES - 1) if memory == memory else _NO_PAGES,
        _half(read / _MIB),
        _half(written / _MIB),
        _half(received / _MIB),
        _half(sent / _MIB),
        min(round(pids), _NO_PIDS - 1) if pids == pids else _NO_PIDS,
    )
    return body + _sum(body).to_bytes(2, "little")


def unpack(content: bytes) -> list[Record | None]:
    """The records in a piece of a ring; None where a slot is empty or half written, and for what isn't there."""
    content = content[: len(content) // RECORD_BYTES * RECORD_BYTES]
    return [
        record if record[0] and _sum(content[at : at + _BODY.size]) == record[-1] else None
        for at, record in zip(range(0, len(content), RECORD_BYTES), _RECORD.iter_unpack(content), strict=True)
    ]


def record_of(figures: Figures) -> Record:
    """As it would be read if it had been written."""
    record: Record = _RECORD.unpack(pack(1, figures))
    return record


def columns(records: Sequence[Record | None]) -> tuple[Column, ...]:
    """The figures in records, in the order and the units of `Figures`; None for what isn't known."""
    _, cpu, pages, *rates, pids, _ = zip(*[record or _BLANK for record in records], strict=True)
    return (
        tuple([value if value == value else None for value in cpu]),
        tuple([value * _PAGE if value != _NO_PAGES else None for value in pages]),
        *[tuple([value * _MIB if value == value else None for value in rate]) for rate in rates],
        tuple([float(value) if value != _NO_PIDS else None for value in pids]),
    )


def average(records: Sequence[Record | None]) -> Figures:
    """The mean of each figure over the records in which it is known."""
    return Figures(*[_mean(column) for column in columns(records)])


class HistoryFile:
    """The file as its only writer sees it: the shim of the container.

    Args:
        path: made if there is none; one that isn't of this format is begun anew.

    Raises:
        OSError: it can't be opened or made.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.pread(self._descriptor, len(MAGIC), 0) != MAGIC:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, MAGIC, 0)

    def put_second(self, second: int, figures: Figures) -> None:
        """Replace the record of a second (since 1970)."""
        self._put(SECONDS, second, figures)

    def put_minute(self, minute: int) -> None:
        """Replace the record of a minute by the average of its seconds, as far as they are there."""
        first = minute * _SECONDS_PER_MINUTE
        content = os.pread(self._descriptor, _SECONDS_PER_MINUTE * RECORD_BYTES, SECONDS.offset(first))
        lap = SECONDS.lap(first)
        if known := [record for record in unpack(content) if record is not None and record[0] == lap]:
            self._put(MINUTES, minute, average(known))

    def close(self) -> None:
        """Leave it to readers."""
        os.close(self._descriptor)

    def _put(self, ring: Ring, step: int, figures: Figures) -> None:
        os.pwrite(self._descriptor, pack(ring.lap(step), figures), ring.offset(step))


def _half(value: float) -> float:
    return min(value, _LARGEST_HALF) if value == value else UNKNOWN


def _sum(body: bytes) -> int:
    return int.from_bytes(body, "little") % _SUM_MODULUS


def _mean(values: Column) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else UNKNOWN
