"""Reading what the recorder has written: an hour by the second and a day by the minute, as columns."""

from __future__ import annotations

import time
from pathlib import Path

from engine.model import History, Series
from engine.runtime.history_file import (
    FILE_BYTES,
    MAGIC,
    MINUTES,
    RECORD_BYTES,
    SECONDS,
    Record,
    Ring,
    average,
    columns,
    record_of,
    unpack,
)
from engine.runtime.history_format_1 import turned

Steps = dict[int, Record]

_SECONDS_PER_MINUTE = 60
_AHEAD_SECONDS = 2  # a container that has just ended has a record of the second that isn't over


def read_history(path: Path, container_id: str) -> History:
    """What is in a container's file; nothing where there is none, as after a restart of the machine."""
    try:
        content = path.read_bytes()[:FILE_BYTES]
    except OSError:
        content = b""
    return parse_history(content, container_id, int(time.time()))


def parse_history(content: bytes, container_id: str, now: int) -> History:
    """The file's content as it was at a moment (seconds since 1970).

    Both series end with the last step that was recorded: now while the container runs, or when it ended.
    """
    if not content.startswith(MAGIC):
        content = turned(content)
    seconds = _steps(content, SECONDS, now + _AHEAD_SECONDS)
    minutes = _steps(content, MINUTES, now // _SECONDS_PER_MINUTE)
    minutes |= _averages(seconds, minutes)
    return History(container_id=container_id, hour=_series(seconds, SECONDS), day=_series(minutes, MINUTES))


def _steps(content: bytes, ring: Ring, latest: int) -> Steps:
    """Whole records of one ring, without those that are too old or from the future."""
    records = unpack(content[ring.at : ring.at + ring.slots * RECORD_BYTES])
    firsts = {lap: ring.first_step(lap, latest) for lap in {record[0] for record in records if record}}
    found = {firsts[record[0]] + slot: record for slot, record in enumerate(records) if record}
    newest = max((step for step in found if step <= latest), default=0)
    return {step: record for step, record in found.items() if newest - ring.slots < step <= newest}


def _averages(seconds: Steps, minutes: Steps) -> Steps:
    """The minute that isn't over, and those that nobody was there to write at their end."""
    newest = max(seconds, default=0) // _SECONDS_PER_MINUTE
    missing: dict[int, list[Record]] = {}
    for second, record in seconds.items():
        minute = second // _SECONDS_PER_MINUTE
        if minute == newest or minute not in minutes:
            missing.setdefault(minute, []).append(record)
    return {minute: record_of(average(records)) for minute, records in missing.items()}


def _series(steps: Steps, ring: Ring) -> Series:
    """Columns from the first step to the last."""
    if not steps:
        return Series(step_seconds=ring.step_seconds, until_unix_seconds=0)
    last = max(steps)
    first = max(min(steps), last - ring.slots + 1)
    (
        cpu, system, memory, anonymous, file, kernel, swap, read, written, received, sent,
        cpu_stalled, memory_stalled, io_stalled, pids,
    ) = columns(steps.get(step) for step in range(first, last + 1))  # fmt: skip
    return Series(
        step_seconds=ring.step_seconds,
        until_unix_seconds=last * ring.step_seconds,
        cpu_percent=cpu,
        system_percent=system,
        memory_working_set_bytes=memory,
        anonymous_bytes=anonymous,
        file_bytes=file,
        kernel_bytes=kernel,
        swap_bytes=swap,
        read_bytes_per_second=read,
        written_bytes_per_second=written,
        received_bytes_per_second=received,
        sent_bytes_per_second=sent,
        cpu_stalled_percent=cpu_stalled,
        memory_stalled_percent=memory_stalled,
        io_stalled_percent=io_stalled,
        pids=pids,
    )
