"""What stands in the cells of the table of containers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from engine.model import Container, ContainerSample, State
from tui.drawing import braille, states, units
from tui.drawing.lines import Line, Span, Tone, fit, line
from tui.history import Series

_LEAST_TOP = 5.0
"""Sparks of containers that do next to nothing stay low: percent of one processor."""


class Row(Struct, frozen=True, kw_only=True):
    """What is known of a container when its row is drawn.

    Attributes:
        pending: what is being done to it.
        alarm: what happened that nobody has looked at yet.
        is_marked: whether keys act on it with others.
    """

    container: Container
    sample: ContainerSample | None
    series: Series
    now_unix_ns: int
    pending: str = ""
    alarm: Literal["oom", "limit"] | None = None
    is_marked: bool = False


Draw = Callable[[Row, int], Line]
"""Draws a cell, or a few, in so many cells."""


def glyph(of: Row) -> Span:
    """One character that says how it is."""
    if of.pending:
        return Span("◌", Tone.WARN)
    return Span("▲", Tone.BAD if of.alarm == "oom" else Tone.WARN) if of.alarm else states.glyph(of.container)


def name(of: Row, cells: int, selected: bool) -> Line:
    """Its name."""
    return (_cell(of.container.name, cells, Tone.STRONG if selected else Tone.PLAIN),)


def image(of: Row, cells: int) -> Line:
    """The image as it was asked for."""
    return (_cell(of.container.request.image, cells, Tone.MUTED),)


def ended(of: Row, cells: int) -> Line:
    """What one that doesn't run has in place of numbers."""
    return (Span(fit(states.phrase(of.container, of.now_unix_ns), cells), states.tone(of.container)),)


def state(of: Row, cells: int) -> Line:
    """State, and health where it is checked."""
    container = of.container
    health = container.health.state if container.health is not None else ""
    words = health if health and container.state is State.RUNNING else container.state.value
    return (_cell(of.pending or words, cells, states.tone(container)),)


def cpu(of: Row, cells: int) -> Line:
    """Percent of one processor."""
    measured = of.sample.cpu if of.sample else None
    if of.alarm == "oom":
        return (_cell("OOM", cells, Tone.BAD, right=True),)
    if measured is None or measured.percent is None:
        return _unknown(cells)
    tone = pressure(measured.percent, measured.limit_percent)
    return (_cell(units.percent(measured.percent), cells, tone, right=True),)


def history(of: Row, cells: int) -> Line:
    """Its processor's curve."""
    values = of.series.cpu_percent
    recent = [values[at] for at in range(-min(cells * 2, len(values)), 0)]  # a deque is quick at its ends
    peak = max([value for value in recent if value is not None], default=0.0)
    top = units.ceiling(peak) if peak > _LEAST_TOP else _LEAST_TOP
    return (Span(braille.spark(recent, cells, top).replace(braille.BLANK, " "), Tone.ACCENT),)


def memory(of: Row, cells: int) -> Line:
    """Bytes in use, and the limit."""
    measured = of.sample.memory if of.sample else None
    if measured is None:
        return _unknown(cells)
    used, limit = measured.working_set_bytes, measured.limit_bytes
    return _of_limit(units.size(used), units.size(limit) if limit else "", cells, pressure(used, limit))


def share(of: Row, cells: int) -> Line:
    """Percent of the memory that it may use."""
    measured = of.sample.memory if of.sample else None
    if measured is None or not measured.limit_bytes:
        return _unknown(cells)
    used, limit = measured.working_set_bytes, measured.limit_bytes
    return (_cell(units.percent(100 * used / limit), cells, pressure(used, limit), right=True),)


def network(of: Row, cells: int) -> Line:
    """Bytes received and sent a second."""
    measured = of.sample.network if of.sample else None
    if measured is None:
        mode = of.container.request.network
        return _unknown(cells, units.UNKNOWN if of.container.endpoints else mode.partition(":")[0])
    return _both_ways("↓↑", measured.received_bytes_per_second, measured.sent_bytes_per_second, cells)


def disk(of: Row, cells: int) -> Line:
    """Bytes read and written a second."""
    measured = of.sample.io if of.sample else None
    if measured is None:
        return _unknown(cells)
    return _both_ways("rw", measured.read_bytes_per_second, measured.written_bytes_per_second, cells)


def pids(of: Row, cells: int) -> Line:
    """Processes and threads."""
    measured = of.sample.pids if of.sample else None
    if measured is None:
        return _unknown(cells)
    return (_cell(str(measured.current), cells, pressure(measured.current, measured.limit), right=True),)


def ports(of: Row, cells: int) -> Line:
    """Ports of the host's, and where they lead."""
    published = of.container.ports
    words = " ".join(
        f"{port.host_port}→{port.container_port}" if port.host_port else f"→{port.container_port}" for port in published
    )
    return (_cell(words or units.UNKNOWN, cells, Tone.PLAIN if words else Tone.FAINT),)


def uptime(of: Row, cells: int) -> Line:
    """How long it has been running."""
    seconds = (of.now_unix_ns - (of.container.started_unix_ns or of.now_unix_ns)) / 1e9
    return (_cell(units.span(seconds), cells, Tone.MUTED, right=True),)


def restarts(of: Row, cells: int) -> Line:
    """How often it was started again, by hand or by its policy."""
    count = of.container.restarts + of.container.automatic_restarts
    return (_cell(str(count), cells, Tone.PLAIN if count else Tone.FAINT, right=True),)


def pressure(value: float, limit: float | None) -> Tone:
    """How near a value is to its limit."""
    if not limit:
        return Tone.PLAIN
    if value >= 0.95 * limit:
        return Tone.BAD
    return Tone.WARN if value >= 0.8 * limit else Tone.PLAIN


@lru_cache(4096)
def _cell(text: str, cells: int, tone: Tone, right: bool = False) -> Span:
    """Text in as many cells; most rows look as they did a second ago, so what was fitted then is kept."""
    return Span(fit(text, cells, right=right), tone)


@lru_cache(1024)
def _of_limit(used: str, limit: str, cells: int, tone: Tone) -> Line:
    rest = f" / {limit:>4}" if limit else ""
    return line(" " * max(0, cells - len(used) - len(rest)), Span(used, tone), Span(rest, Tone.MUTED))


def _both_ways(signs: str, into: float | None, out: float | None, cells: int) -> Line:
    arrived, left = (units.known(value, units.rate).removesuffix("/s") for value in (into, out))
    return _two(signs, arrived, left, cells)


@lru_cache(1024)
def _two(signs: str, into: str, out: str, cells: int) -> Line:
    left = f"{signs[1]}{out:>4}".rjust(cells - 6)
    return line(Span(f"{signs[0]}{into:>4}", _moving(into)), " ", Span(left, _moving(out)))


def _unknown(cells: int, word: str = units.UNKNOWN) -> Line:
    return (_cell(word, cells, Tone.FAINT, right=True),)


def _moving(shown: str) -> Tone:
    return Tone.FAINT if shown in ("0", units.UNKNOWN) else Tone.PLAIN
