"""The file with a container's past: two rings of records, one slot for each second of an hour and each minute of a day.

A slot is found by the time alone (`second % 3600`, `minute % 1440`), and a record says which lap of its ring it was
written in, so that what is left of an earlier lap is known as such. One pwrite(2) replaces a record; readers look at
any moment and without a lock, and a sum tells a record that was half written.

The file is sparse: memory of the tmpfs that it is on is taken as slots fill up, 168 KiB in the end.

Record, 34 bytes, little endian: lap (u16, 0 is an empty slot), the figures in their order as half-precision floats,
each in the unit that `_UNITS` gives it, sum (u16). A half-precision float (IEEE 754 binary16) is exact to 0.05 %, from
64 bytes a second and 64 KiB of memory on.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAGIC = b"boxdeck history 2 \r\n"
RECORD_BYTES = 34
UNKNOWN = float("nan")

_FIGURES = 15
_RECORD = struct.Struct(f"<H{_FIGURES}eH")
_BODY = struct.Struct(f"<H{_FIGURES}e")
_SUM_MODULUS = 65_521  # the largest prime below 2 ** 16
_LAPS = 65_535  # so many are told apart, 7 years of hours; a lap is stored as 1 to 65,535
_LARGEST_HALF = 65_504.0
_MIB, _GIB = float(1 << 20), float(1 << 30)
_UNITS = (1.0, 1.0, *[_GIB] * 5, *[_MIB] * 4, 1.0, 1.0, 1.0, 1.0)
_SECONDS_PER_MINUTE = 60

Record = tuple[int, *tuple[float, ...], int]
"""Lap, figures as they are stored, and sum."""
Column = tuple[float | None, ...]

_BLANK: Record = (0, *[UNKNOWN] * _FIGURES, 0)


class Figures(NamedTuple):
    """What was used in one step of time; NaN is what isn't known.

    Attributes:
        memory_bytes: the working set; its kinds make more together, by the file pages that can be dropped at once.
        cpu_stalled_percent, memory_stalled_percent, io_stalled_percent: how much of the last ten seconds somebody
            waited.
    """

    cpu_percent: float = UNKNOWN
    system_percent: float = UNKNOWN
    memory_bytes: float = UNKNOWN
    anonymous_bytes: float = UNKNOWN
    file_bytes: float = UNKNOWN
    kernel_bytes: float = UNKNOWN
    swap_bytes: float = UNKNOWN
    read_bytes_per_second: float = UNKNOWN
    written_bytes_per_second: float = UNKNOWN
    received_bytes_per_second: float = UNKNOWN
    sent_bytes_per_second: float = UNKNOWN
    cpu_stalled_percent: float = UNKNOWN
    memory_stalled_percent: float = UNKNOWN
    io_stalled_percent: float = UNKNOWN
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
    body = _BODY.pack(lap, *[_half(value / unit) for value, unit in zip(figures, _UNITS, strict=True)])
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


def columns(records: Iterable[Record | None]) -> tuple[Column, ...]:
    """The figures in records, in the order and the units of `Figures`; None for what isn't known."""
    _, *every, _ = zip(*[record or _BLANK for record in records], strict=True)
    return tuple(
        [
            tuple([value * unit if value == value else None for value in stored])
            for stored, unit in zip(every, _UNITS, strict=True)
        ]
    )


def average(records: Sequence[Record | None]) -> Figures:
    """The mean of each figure over the records in which it is known."""
    return Figures(*[_mean(column) for column in columns(records)])


class HistoryFile:
    """The file as its only writer sees it: the shim of the container.

    Args:
        path: made if there is none. One of an earlier format is turned into this one, and what is none is begun anew.

    Raises:
        OSError: it can't be opened or made.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.pread(self._descriptor, len(MAGIC), 0) != MAGIC:
            self._begin()

    def _begin(self) -> None:
        from engine.runtime.history_format_1 import turned  # seldom wanted, and so not in every shim's memory

        content = turned(os.pread(self._descriptor, FILE_BYTES, 0)) or MAGIC
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

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
