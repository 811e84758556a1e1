"""What happened lately, newest first; the same thing again and again is one line with a count."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping

from msgspec import Struct

from engine.model import Event
from tui.drawing.lines import Line, Span, Tone, clip, fit, line

_TONES = {"oom": Tone.BAD, "limit": Tone.WARN, "die": Tone.MUTED, "start": Tone.GOOD}
_ACTION_CELLS, _NAME_CELLS = 7, 20
_LONG_ACTION_CELLS = 10
_ID = re.compile(r"[0-9a-f]{64}")
_ID_CELLS = 12


class _Heap(Struct, kw_only=True):
    """The same thing happening to the same one, several times in a row."""

    newest: Event
    count: int = 1


def event_lines(events: Iterable[Event], cells: int, most: int, names: Mapping[str, str]) -> list[Line]:
    """At most `most` lines.

    Args:
        events: in the order in which they were recorded.
        names: of containers by id, for those that an event tells of beside its own.
    """
    heaps: list[_Heap] = []
    for event in sorted(events, key=lambda each: each.at_unix_ns):  # ends are recorded later than they were
        if heaps and _is_alike(heaps[-1].newest, event):
            heaps[-1] = _Heap(newest=event, count=heaps[-1].count + 1)
        else:
            heaps.append(_Heap(newest=event))
    shown = heaps[::-1][:most]
    most_cells = max(8, min(_NAME_CELLS, cells // 3))
    name_cells = min(most_cells, max((len(_name(heap.newest)) for heap in shown), default=0))
    longest = max((len(heap.newest.action) for heap in shown), default=0)
    action_cells = max(_ACTION_CELLS, min(longest, _LONG_ACTION_CELLS)) + 1
    return [_line(heap, action_cells, name_cells, cells, names) for heap in shown]


def _is_alike(one: Event, other: Event) -> bool:
    return (one.action, one.subject) == (other.action, other.subject)


def _name(event: Event) -> str:
    return event.name if event.kind == "container" else f"{event.kind} {event.name}"


def _line(heap: _Heap, action_cells: int, name_cells: int, cells: int, names: Mapping[str, str]) -> Line:
    event = heap.newest
    detail = _ID.sub(lambda found: names.get(found[0], found[0][:_ID_CELLS]), event.detail)
    clock = time.strftime("%H:%M:%S", time.localtime(event.at_unix_ns // 1_000_000_000))
    of = line(
        Span(f"{clock}  ", Tone.MUTED),
        Span(fit(event.action, action_cells - 1) + " ", _TONES.get(event.action, Tone.PLAIN)),
        fit(_name(event), name_cells),
        Span(f"  {detail}" if detail else "", Tone.MUTED),
        Span(f"  {heap.count} times" if heap.count > 1 else "", Tone.WARN),
    )
    return clip(of, cells)
