"""A container's past as curves: minutes from the ticks that the app saw, hours and days from the engine's history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec import Struct

from engine.model import ContainerSample, Pressure
from engine.model.history import History, Series
from tui.recent import Tick

Values = tuple[float | None, ...]


class Reach(Enum):
    """How far back graphs go."""

    MINUTES = "minutes"
    HOUR = "hour"
    DAY = "day"

    @property
    def next(self) -> Reach:
        """The one after this, and from the day back to minutes."""
        every = list(Reach)
        return every[(every.index(self) + 1) % len(every)]


class Past(Struct, frozen=True, kw_only=True):
    """Curves of one container, oldest first, None where nothing is known; `step_seconds` lie between two values."""

    step_seconds: float = 1.0
    cpu_percent: Values = ()
    system_percent: Values = ()
    memory_bytes: Values = ()
    anonymous_bytes: Values = ()
    file_bytes: Values = ()
    kernel_bytes: Values = ()
    swap_bytes: Values = ()
    read_per_second: Values = ()
    written_per_second: Values = ()
    received_per_second: Values = ()
    sent_per_second: Values = ()
    pids: Values = ()
    cpu_stalled: Values = ()
    memory_stalled: Values = ()
    io_stalled: Values = ()


def past(reach: Reach, ticks: Sequence[Tick], history: History | None, count: int, interval_seconds: float) -> Past:
    """The curves to draw.

    Args:
        ticks: what the app saw, oldest first.
        history: what the engine kept; None while it isn't read.
        count: values that a graph has room for.
        interval_seconds: between two ticks.
    """
    if reach is Reach.MINUTES:
        return _minutes(ticks[-count:] if count else (), history.hour if history else None, count, interval_seconds)
    if history is None:
        return Past()
    return _buckets(*((history.hour, 3_600) if reach is Reach.HOUR else (history.day, 86_400)), count)


class Curves:
    """As `past`; curves of hours and days, which are dear, are made anew only when something else is to be drawn."""

    def __init__(self) -> None:
        self._reach: Reach | None = None
        self._history: History | None = None
        self._count = 0
        self._made = Past()

    def past(
        self, reach: Reach, ticks: Sequence[Tick], history: History | None, count: int, interval_seconds: float
    ) -> Past:
        """The curves to draw."""
        if reach is Reach.MINUTES:
            return past(reach, ticks, history, count, interval_seconds)
        if (reach, count) != (self._reach, self._count) or history is not self._history:
            self._reach, self._history, self._count = reach, history, count
            self._made = past(reach, ticks, history, count, interval_seconds)
        return self._made


def remembered(reach: Reach, history: History | None, count: int) -> Past:
    """The curves of a container whose ticks aren't kept whole: what the engine kept of it, also of the last minutes."""
    if history is None:
        return Past()
    if reach is Reach.MINUTES:
        return _buckets(history.hour, count * history.hour.step_seconds, count)
    return past(reach, (), history, count, 1.0)


def bucket_seconds(reach: Reach, count: int) -> int:
    """How long one value of a graph with room for `count` stands for; history needn't be read more often."""
    if reach is Reach.MINUTES:
        return 1
    return max(1, -(-3_600 // max(1, count))) if reach is Reach.HOUR else max(60, -(-86_400 // max(1, count)))


# --- minutes ---


def _minutes(ticks: Sequence[Tick], before: Series | None, count: int, interval_seconds: float) -> Past:
    def curve(read: Callable[[ContainerSample], float | None], kept: Values) -> Values:
        return (*_earlier(kept, before, ticks, count), *(read(tick.sample) for tick in ticks))

    if before is not None and len(ticks) > 1 and _is_first_look(ticks[0].sample):
        ticks = ticks[1:]  # a first look has no rates, and the engine remembers that second
    old = before or Series(step_seconds=1, until_unix_seconds=0)
    return Past(
        step_seconds=interval_seconds,
        cpu_percent=curve(lambda each: each.cpu.percent if each.cpu else None, old.cpu_percent),
        system_percent=curve(lambda each: each.cpu.system_percent if each.cpu else None, old.system_percent),
        memory_bytes=curve(
            lambda each: each.memory.working_set_bytes if each.memory else None, old.memory_working_set_bytes
        ),
        anonymous_bytes=curve(lambda each: each.memory.anonymous_bytes if each.memory else None, old.anonymous_bytes),
        file_bytes=curve(lambda each: each.memory.file_bytes if each.memory else None, old.file_bytes),
        kernel_bytes=curve(lambda each: each.memory.kernel_bytes if each.memory else None, old.kernel_bytes),
        swap_bytes=curve(lambda each: each.memory.swap_bytes if each.memory else None, old.swap_bytes),
        read_per_second=curve(
            lambda each: each.io.read_bytes_per_second if each.io else None, old.read_bytes_per_second
        ),
        written_per_second=curve(
            lambda each: each.io.written_bytes_per_second if each.io else None, old.written_bytes_per_second
        ),
        received_per_second=curve(
            lambda each: each.network.received_bytes_per_second if each.network else None, old.received_bytes_per_second
        ),
        sent_per_second=curve(
            lambda each: each.network.sent_bytes_per_second if each.network else None, old.sent_bytes_per_second
        ),
        pids=curve(lambda each: each.pids.current if each.pids else None, old.pids),
        cpu_stalled=curve(lambda each: stalled(each.cpu.pressure if each.cpu else None), old.cpu_stalled_percent),
        memory_stalled=curve(
            lambda each: stalled(each.memory.pressure if each.memory else None), old.memory_stalled_percent
        ),
        io_stalled=curve(lambda each: stalled(each.io.pressure if each.io else None), old.io_stalled_percent),
    )


def _is_first_look(sample: ContainerSample) -> bool:
    return sample.cpu is not None and sample.cpu.percent is None


def stalled(pressure: Pressure | None) -> float | None:
    """How much of the last ten seconds somebody waited, in percent."""
    return pressure.some.avg10_percent if pressure else None


def _earlier(kept: Values, series: Series | None, ticks: Sequence[Tick], count: int) -> Values:
    """What the engine remembers from before the first tick."""
    room = count - len(ticks)
    if series is None or room <= 0 or not kept:
        return ()
    overlap = max(0, series.until_unix_seconds - int(ticks[0].at_unix_seconds) + 1) if ticks else 0
    return kept[: len(kept) - overlap][-room:]


# --- hours and days ---


def _buckets(series: Series, whole_seconds: int, count: int) -> Past:
    """Every value stands for as many steps as make the whole fit, from round times on, so that curves keep still."""
    steps = max(1, -(-whole_seconds // max(1, count * series.step_seconds)))

    def curve(values: Values, of: Callable[[list[float]], float]) -> Values:
        return _merged(values, series.until_unix_seconds // series.step_seconds, steps, of)[-count:]

    return Past(
        step_seconds=steps * series.step_seconds,
        cpu_percent=curve(series.cpu_percent, _mean),
        system_percent=curve(series.system_percent, _mean),
        memory_bytes=curve(series.memory_working_set_bytes, max),
        anonymous_bytes=curve(series.anonymous_bytes, max),
        file_bytes=curve(series.file_bytes, max),
        kernel_bytes=curve(series.kernel_bytes, max),
        swap_bytes=curve(series.swap_bytes, max),
        read_per_second=curve(series.read_bytes_per_second, _mean),
        written_per_second=curve(series.written_bytes_per_second, _mean),
        received_per_second=curve(series.received_bytes_per_second, _mean),
        sent_per_second=curve(series.sent_bytes_per_second, _mean),
        pids=curve(series.pids, max),
        cpu_stalled=curve(series.cpu_stalled_percent, _mean),
        memory_stalled=curve(series.memory_stalled_percent, _mean),
        io_stalled=curve(series.io_stalled_percent, _mean),
    )


def _merged(values: Values, last_step: int, steps: int, of: Callable[[list[float]], float]) -> Values:
    """One value for every `steps` steps, of those that are known."""
    if not values:
        return ()
    first_step = last_step - len(values) + 1
    buckets: list[list[float]] = [[] for _ in range(last_step // steps - first_step // steps + 1)]
    for index, value in enumerate(values):
        if value is not None:
            buckets[(first_step + index) // steps - first_step // steps].append(value)
    return tuple(of(bucket) if bucket else None for bucket in buckets)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
