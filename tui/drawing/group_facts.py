"""A group of containers in a few lines: what all of them use together, and each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.model import Container, ContainerSample
from tui.drawing import states, units
from tui.drawing.lines import Line, Span, Tone, clip, fit, line

_NAME_CELLS = 20


def group_lines(
    name: str,
    members: Sequence[Container],
    sample: Callable[[str], ContainerSample | None],
    now_unix_ns: int,
    cells: int,
) -> list[Line]:
    """Totals first, then a line for each container.

    Args:
        name: of the group; empty for those that are in none.
        sample: a container's numbers by its id.
    """
    samples = [found for each in members if (found := sample(each.id)) is not None]
    running = sum(each.is_running for each in members)
    cpu = _sum(each.cpu.percent for each in samples if each.cpu is not None)
    memory = _sum(float(each.memory.working_set_bytes) for each in samples if each.memory is not None)
    lines = [
        line(Span(name or "in none", Tone.STRONG), Span(f"  {len(members)}, {running} running", Tone.MUTED)),
        line(
            Span("together  cpu ", Tone.MUTED), units.known(cpu, units.percent), Span(" %   memory ", Tone.MUTED),
            units.known(memory, units.size),
        ),
        line(Span("Enter folds the group, Space marks all of it", Tone.FAINT)),
        (),
    ]  # fmt: skip
    for each in members:
        words = Span(states.phrase(each, now_unix_ns), states.tone(each))
        lines.append(line(states.glyph(each), " ", fit(each.name, _NAME_CELLS), "  ", words))
    return [clip(each, cells) for each in lines]


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
