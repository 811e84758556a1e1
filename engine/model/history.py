"""What a container used lately: the last hour by the second, the last day by the minute."""

from __future__ import annotations

from msgspec import Struct


class Series(Struct, frozen=True, kw_only=True):
    """Equal steps of time, oldest first, and as many in every column; None is a step of which nothing is known.

    Attributes:
        step_seconds: 1 or 60.
        until_unix_seconds: when the last step began.
        system_percent: the kernel's part of `cpu_percent`.
        anonymous_bytes, file_bytes, kernel_bytes, swap_bytes: memory by kind, as `MemorySample` has it.
        cpu_stalled_percent, memory_stalled_percent, io_stalled_percent: how much of the last ten seconds somebody
            waited; not known on v1.
    """

    step_seconds: int
    until_unix_seconds: int
    cpu_percent: tuple[float | None, ...] = ()
    system_percent: tuple[float | None, ...] = ()
    memory_working_set_bytes: tuple[float | None, ...] = ()
    anonymous_bytes: tuple[float | None, ...] = ()
    file_bytes: tuple[float | None, ...] = ()
    kernel_bytes: tuple[float | None, ...] = ()
    swap_bytes: tuple[float | None, ...] = ()
    read_bytes_per_second: tuple[float | None, ...] = ()
    written_bytes_per_second: tuple[float | None, ...] = ()
    received_bytes_per_second: tuple[float | None, ...] = ()
    sent_bytes_per_second: tuple[float | None, ...] = ()
    cpu_stalled_percent: tuple[float | None, ...] = ()
    memory_stalled_percent: tuple[float | None, ...] = ()
    io_stalled_percent: tuple[float | None, ...] = ()
    pids: tuple[float | None, ...] = ()


class History(Struct, frozen=True, kw_only=True):
    """At most 3,600 steps of a second and 1,440 of a minute."""

    container_id: str
    hour: Series
    day: Series
