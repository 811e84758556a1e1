"""What there is to say about one container, in labelled lines."""

from __future__ import annotations

import shlex

from engine.model import Container, ContainerSample, Limits
from tui.alarms import Alarm
from tui.drawing import isolation, ports, states, units
from tui.drawing.labels import fact_lines
from tui.drawing.lines import Line, Span, Tone, clip, joined, line

_DOT = Span(" · ", Tone.FAINT)


def facts(
    container: Container, sample: ContainerSample | None, width: int, now_unix_ns: int, pending: str = ""
) -> list[Line]:
    """State, image and command, network, limits and isolation; further lines when it ended badly or gives much up."""
    lines = [
        _state(container, sample, now_unix_ns, pending),
        *fact_lines(
            [
                ("image", (line(container.request.image, _DOT, Span(shlex.join(container.argv), Tone.MUTED)),)),
                ("network", (network(container),)),
                ("ports", (ports.words(container),) if container.ports else ()),
                ("limits", (_limits(container.request.limits),)),
                ("security", (isolation.sentence(container),)),
            ]
        ),
        *(line(Span(f"! {warning}", Tone.WARN)) for warning in container.warnings),
    ]
    if container.error:
        lines.insert(1, line(Span(container.error, Tone.BAD)))
    return [clip(each, width) for each in lines]


def brief(
    container: Container, sample: ContainerSample | None, width: int, now_unix_ns: int, pending: str = ""
) -> list[Line]:
    """The same in two lines, for small screens."""
    second = joined(
        (line(container.request.image), network(container), ports.words(container), isolation.words(container)), _DOT
    )
    if container.error:
        second = line(Span(container.error, Tone.BAD))
    return [clip(each, width) for each in (_state(container, sample, now_unix_ns, pending), second)]


def alarm_line(alarm: Alarm, now_unix_ns: int) -> Line:
    """What happened to it that nobody has looked at yet."""
    tone = Tone.BAD if alarm.action == "oom" else Tone.WARN
    ago = units.duration((now_unix_ns - alarm.at_unix_ns) / 1e9)
    return joined(
        (
            line(Span(f"▲ {alarm.words}", tone), f" {alarm.count} times" if alarm.count > 1 else ""),
            line(Span(f"{ago} ago", Tone.MUTED)),
            line(alarm.more),
        ),
        _DOT,
    )


def hint(container: Container) -> Line:
    """What stands in place of curves while there are none."""
    if container.is_running:
        return line(Span("measuring…", Tone.MUTED))
    return line(Span("not running, and nothing was recorded of it   ", Tone.MUTED), Span("S", Tone.ACCENT), " start it")


def network(container: Container) -> Line:
    """Its address and veth pair, or why there is none."""
    endpoint = container.endpoint
    if endpoint is not None:
        pair = f"{endpoint.container_interface} ⇄ {endpoint.host_interface}"
        address = (endpoint.address or endpoint.address6).partition("/")[0]
        others = [each.network for each in container.endpoints[1:]]
        also = f", also on {', '.join(others)}" if others else ""
        return line(address, _DOT, Span(f"{pair} on {endpoint.bridge}{also}", Tone.MUTED))
    words = {"none": "loopback only", "host": "the host's own", "bridge": "bridge, once it runs"}
    return line(Span(words.get(container.request.network, "another container's"), Tone.MUTED))


def _state(container: Container, sample: ContainerSample | None, now_unix_ns: int, pending: str) -> Line:
    state = (
        line(Span(f"◌ {pending}", Tone.WARN))
        if pending
        else line(states.glyph(container), " ", Span(states.phrase(container, now_unix_ns), states.tone(container)))
    )
    more = [state]
    if container.pid is not None:
        more.append(line(Span("pid ", Tone.MUTED), str(container.pid)))
    if sample is not None:
        more.append(_pids(sample))
    if restarts := container.restarts + container.automatic_restarts:
        more.append(line(Span("restarts ", Tone.MUTED), str(restarts)))
    more.append(line(Span("id ", Tone.MUTED), container.short_id))
    return joined(more, _DOT)


def _pids(sample: ContainerSample) -> Line:
    pids = sample.pids
    if pids is None:
        return line(Span("pids controller is off", Tone.MUTED))
    of_limit = f" / {pids.limit}" if pids.limit else ""
    return line(Span("processes ", Tone.MUTED), f"{pids.current}{of_limit}")


def _limits(limits: Limits) -> Line:
    parts = (
        line(Span("memory ", Tone.MUTED), units.size(limits.memory_bytes)) if limits.memory_bytes else (),
        line(Span("cpus ", Tone.MUTED), units.cpus(limits.cpus)) if limits.cpus else (),
        line(Span("processes ", Tone.MUTED), str(limits.pids)) if limits.pids else (),
    )
    return joined(parts, _DOT) or line(Span("none", Tone.MUTED))
