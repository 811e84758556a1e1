"""Everything that is measured of a container, resource by resource: a curve, and what there is to say below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from engine.model import Container, ContainerSample, CpuSample, MemorySample, PidsSample
from engine.model.limits_in_force import LimitsInForce
from tui.drawing import graph, units
from tui.drawing.devices import device_lines, interface_lines
from tui.drawing.in_force import origin_of
from tui.drawing.layers import layered
from tui.drawing.lines import Line, Span, Tone, clip, joined, line
from tui.drawing.meter import Part, legend, meter
from tui.drawing.panels import Panel, reader
from tui.drawing.stalls import past_stall_lines, stall_lines
from tui.drawing.table import pressure
from tui.past import Past

_DOT = Span(" · ", Tone.FAINT)


class Seen(Struct, frozen=True, kw_only=True):
    """What is known of a container when its measures are drawn; `limits` is None while they aren't read."""

    container: Container
    sample: ContainerSample | None
    past: Past
    limits: LimitsInForce | None = None

    @property
    def is_over(self) -> bool:
        """Nothing is measured any more."""
        return self.sample is None


class Measure(Struct, frozen=True, kw_only=True):
    """One resource: its curve, and from a width to lines below it."""

    panel: Panel
    notes: Callable[[int], list[Line]]


def cpu(seen: Seen) -> Measure:
    """Processor time: user and system, the limit, and how often it was stopped at it."""
    now = seen.sample.cpu if seen.sample else None
    limit = _cpu_limit(seen, now)
    curve = graph.Curve(values=seen.past.cpu_percent, label=_percent, limit=limit, least_top=5, is_over=seen.is_over)
    value = _off(seen, "cpu")
    if now is not None:
        origin = origin_of(seen.container, seen.limits.cpus_from if seen.limits else "")
        value = joined(
            (
                _amount(units.known(now.percent, units.percent), " %", pressure(now.percent or 0, limit)),
                _limit(f"{limit:.0f} %" if limit else "", origin),
            ),
            Span("  "),
        )
    lower = seen.past.system_percent
    panel = Panel(
        title="cpu", value=value, draw=lambda width, height: layered(curve, lower, width, height),
        read=reader(("", curve.values, _percent), ("system", lower, _percent)),
    )  # fmt: skip
    return Measure(panel=panel, notes=lambda width: _fit(_cpu_notes(now), width) if now else [])


def memory(seen: Seen) -> Measure:
    """Memory by kind, its limit, faults, and how often the limit was met."""
    now = seen.sample.memory if seen.sample else None
    limit = _memory_limit(seen, now)
    curve = graph.Curve(
        values=seen.past.memory_bytes, label=units.size, limit=limit, least_top=1 << 20, binary=True,
        is_over=seen.is_over,
    )  # fmt: skip
    value = _off(seen, "memory")
    if now is not None:
        origin = origin_of(seen.container, seen.limits.memory_from if seen.limits else "")
        used = now.working_set_bytes
        value = joined(
            (
                _amount(units.size(used), "", pressure(used, limit)),
                _limit(units.size(limit) if limit else "", origin),
            ),
            Span("  "),
        )
    lower = seen.past.anonymous_bytes
    panel = Panel(
        title="memory", value=value, draw=lambda width, height: layered(curve, lower, width, height),
        read=reader(
            ("", curve.values, units.size), ("anonymous", lower, units.size),
            ("file", seen.past.file_bytes, units.size), ("kernel", seen.past.kernel_bytes, units.size),
        ),
    )  # fmt: skip
    return Measure(panel=panel, notes=lambda width: _memory_notes(now, limit, width) if now else [])


def io(seen: Seen) -> Measure:
    """Reads above the axis, writes below; every device."""
    now = seen.sample.io if seen.sample else None
    past = seen.past
    value = _off(seen, "io")
    if now is not None:
        value = line(
            Span("read ", Tone.ACCENT), units.known(now.read_bytes_per_second, units.rate),
            Span("  written ", Tone.MUTED), units.known(now.written_bytes_per_second, units.rate),
        )  # fmt: skip
    draw = _mirrored(past.read_per_second, past.written_per_second, seen.is_over)
    read = reader(("read", past.read_per_second, units.rate), ("written", past.written_per_second, units.rate))
    return Measure(
        panel=Panel(title="disks", value=value, draw=draw, read=read),
        notes=lambda width: device_lines(now, width) if now else [],
    )


def network(seen: Seen) -> Measure:
    """What came in above the axis, what went out below; every interface."""
    now = seen.sample.network if seen.sample else None
    past = seen.past
    value = line(Span("no interface of its own" if seen.sample else "", Tone.MUTED))
    if now is not None:
        value = line(
            Span("in ", Tone.ACCENT), units.known(now.received_bytes_per_second, units.rate),
            Span("  out ", Tone.MUTED), units.known(now.sent_bytes_per_second, units.rate),
        )  # fmt: skip
    draw = _mirrored(past.received_per_second, past.sent_per_second, seen.is_over)
    read = reader(("in", past.received_per_second, units.rate), ("out", past.sent_per_second, units.rate))
    return Measure(
        panel=Panel(title="network", value=value, draw=draw, read=read),
        notes=lambda width: interface_lines(now, width) if now else [],
    )


def pids(seen: Seen) -> Measure:
    """Processes and threads, their limit, and forks that failed at it."""
    now = seen.sample.pids if seen.sample else None
    limit = _pids_limit(seen, now)
    curve = graph.Curve(
        values=seen.past.pids, label=lambda value: f"{value:.0f}", limit=limit, least_top=4, is_over=seen.is_over
    )
    value = _off(seen, "pids")
    if now is not None:
        origin = origin_of(seen.container, seen.limits.pids_from if seen.limits else "")
        value = joined(
            (_amount(str(now.current), "", pressure(now.current, limit)), _limit(str(limit or ""), origin)), Span("  ")
        )
    panel = Panel(
        title="processes", value=value, draw=lambda width, height: graph.graph(curve, width, height),
        read=reader(("", curve.values, curve.label)),
    )  # fmt: skip
    return Measure(panel=panel, notes=lambda width: _fit(_pids_notes(now), width) if now else [])


def stalls(seen: Seen, width: int) -> list[Line]:
    """How long it waited for processors, memory and disks."""
    sample, past = seen.sample, seen.past
    title = line(Span("pressure", Tone.MUTED))
    if sample is None:
        was = past_stall_lines(
            (("cpu", past.cpu_stalled), ("memory", past.memory_stalled), ("disks", past.io_stalled)), width
        )
        return [title, *was] if was else []
    named = (
        ("cpu", sample.cpu.pressure if sample.cpu else None, past.cpu_stalled),
        ("memory", sample.memory.pressure if sample.memory else None, past.memory_stalled),
        ("disks", sample.io.pressure if sample.io else None, past.io_stalled),
    )
    return [title, *stall_lines(named, width)]


# --- limits: those that were read on purpose are newer than those of the sample ---


def _cpu_limit(seen: Seen, now: CpuSample | None) -> float | None:
    if now is None or seen.limits is None:
        return now.limit_percent if now else None
    return 100 * seen.limits.cpus_limit if seen.limits.cpus_limit else None


def _memory_limit(seen: Seen, now: MemorySample | None) -> int | None:
    if now is None or seen.limits is None:
        return now.limit_bytes if now else None
    return seen.limits.memory_limit_bytes


def _pids_limit(seen: Seen, now: PidsSample | None) -> int | None:
    if now is None or seen.limits is None:
        return now.limit if now else None
    return seen.limits.pids_limit


# --- what stands below curves ---


def _cpu_notes(now: CpuSample) -> Line:
    """The split and the stops. Counters whose controller doesn't count them are left out."""
    parts = [
        _named("user", f"{units.known(now.user_percent, units.percent)} %", _seconds(now.user_usec)),
        _named("system", f"{units.known(now.system_percent, units.percent)} %", _seconds(now.system_usec)),
        _named("in all", _seconds(now.usage_usec)),
    ]
    if now.of_limit_percent is not None:
        parts.append(_named("of limit", f"{units.percent(now.of_limit_percent)} %"))
    if now.throttled_periods is not None and now.periods:
        tone = Tone.WARN if now.throttled_periods else Tone.PLAIN
        count = f"{now.throttled_periods:,} of {now.periods:,} periods"
        parts.append(line(Span("stopped ", Tone.MUTED), Span(count, tone), *_more(_seconds(now.throttled_usec))))
    return joined(parts, _DOT)


def _memory_notes(now: MemorySample, limit: int | None, width: int) -> list[Line]:
    parts = [
        Part("anonymous", now.anonymous_bytes, units.size(now.anonymous_bytes)),
        Part("file", now.file_bytes, units.size(now.file_bytes), "▓", Tone.MUTED),
    ]
    if now.kernel_bytes is not None:
        parts.append(Part("kernel", now.kernel_bytes, units.size(now.kernel_bytes), "▒", Tone.MUTED))
    whole = limit or max(now.current_bytes, sum(int(part.value) for part in parts))
    counts = (
        _named("charged", units.size(now.current_bytes)),
        _named("peak", units.size(now.peak_bytes)) if now.peak_bytes is not None else (),
        _named("swap", units.size(now.swap_bytes)) if now.swap_bytes is not None else (),
        _named("faults", _per_second(now.faults_per_second), f"{now.faults:,}"),
        _named("from disk", _per_second(now.major_faults_per_second), f"{now.major_faults:,}"),
        _alarm("limit met", now.limit_hits, Tone.WARN),
        _alarm("killed for it", now.oom_kills, Tone.BAD),
    )
    return [clip(legend(parts), width), meter(parts, whole, width), *_fit(joined(counts, _DOT), width)]


def _pids_notes(now: PidsSample) -> Line:
    return _alarm("forks refused at the limit", now.limit_hits, Tone.WARN)


def _alarm(name: str, count: int, tone: Tone) -> Line:
    return line(Span(f"{name} ", Tone.MUTED), Span(f"{count:,}", tone if count else Tone.FAINT))


def _named(name: str, value: str, more: str = "") -> Line:
    return line(Span(f"{name} ", Tone.MUTED), value, *_more(more))


def _more(text: str) -> Line:
    return line(Span(f" ({text})", Tone.MUTED)) if text else ()


def _fit(of: Line, width: int) -> list[Line]:
    """As many lines as it takes, broken where one thing ends and the next begins."""
    lines: list[list[Span]] = [[]]
    for piece in _split(of):
        taken = sum(len(span.text) for span in lines[-1])
        if lines[-1] and taken + len(_DOT.text) + sum(len(span.text) for span in piece) > width:
            lines.append([])
        lines[-1].extend([_DOT, *piece] if lines[-1] else piece)
    return [clip(tuple(each), width) for each in lines if each]


def _split(of: Line) -> Iterable[list[Span]]:
    piece: list[Span] = []
    for span in of:
        if span == _DOT:
            yield piece
            piece = []
        else:
            piece.append(span)
    yield piece


# --- small words ---


def _off(seen: Seen, controller: str) -> Line:
    """What stands in place of a number that nobody counts."""
    return line(Span(f"{controller} controller is off" if seen.sample else "not running", Tone.MUTED))


def _amount(text: str, unit: str, tone: Tone) -> Line:
    return line(Span(text, Tone.STRONG if tone is Tone.PLAIN else tone), Span(unit, Tone.MUTED))


def _limit(text: str, origin: str) -> Line:
    """The limit in force, and where it comes from when it isn't the container's own."""
    if not text:
        return line(Span("no limit", Tone.FAINT))
    return line(Span(f"limit {text}", Tone.MUTED), Span(f", of {origin}" if origin else "", Tone.WARN))


def _mirrored(
    upper: Sequence[float | None], lower: Sequence[float | None], is_over: bool
) -> Callable[[int, int], list[Line]]:
    above, below = (
        graph.Curve(values=values, label=_rate, least_top=1000, is_over=is_over) for values in (upper, lower)
    )
    return lambda width, height: graph.mirrored(above, below, width, height)


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.1f} %"


def _rate(value: float) -> str:
    return units.rate(value).removesuffix("/s")


def _per_second(value: float | None) -> str:
    return f"{units.known(value, lambda known: f'{known:,.0f}')}/s"


def _seconds(usec: int | None) -> str:
    if usec is None:
        return ""
    seconds = usec / 1e6
    return f"{seconds:.1f}s" if seconds < 60 else units.duration(seconds)
