"""The layers of an image as rows: how large each is, what it does to those below, and what made it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from engine.model import Layer
from engine.model.layer import Action
from tui.drawing import meter, units
from tui.drawing.columns import Column, fitting
from tui.drawing.lines import Line, Span, Tone, clip, fit, joined, line, printable, width

_GAP = Span("  ")
_BAR_CELLS = 10
_SUMMARY_CELLS = 34
_LEAST_WORDS = 12
_WRAPPING = re.compile(r"^(?:/bin/sh -c #\(nop\)\s*|\|\d+ .*?/bin/sh -c |RUN /bin/sh -c )")
_SHELL = "/bin/sh -c "
_BUILDKIT = " # buildkit"


MARKS: dict[Action | None, tuple[str, Tone]] = {
    "added": ("+", Tone.GOOD),
    "changed": ("~", Tone.WARN),
    "removed": ("\N{MINUS SIGN}", Tone.BAD),
    None: (" ", Tone.PLAIN),
}
"""One character and one tone for what was done to a file."""


def counts(layer: Layer) -> Line:
    """How many files it adds, changes and removes, in a few characters."""
    pairs: tuple[tuple[int, Action], ...] = (
        (layer.added, "added"),
        (layer.changed, "changed"),
        (layer.removed, "removed"),
    )
    return joined((_count(count, action) for count, action in pairs if count), Span(" "))


def instruction_words(instruction: str) -> str:
    """What made a layer, without what builders wrap around a Dockerfile's line."""
    words = " ".join(printable(instruction.replace("\n", " ").replace("\t", " ")).split())
    words = words.removesuffix(_BUILDKIT)
    if stripped := _WRAPPING.match(words):
        rest = words[stripped.end() :]
        return rest if "#(nop)" in stripped[0] else f"RUN {rest}"
    return f"RUN {words.removeprefix(_SHELL)}" if words.startswith(_SHELL) else words


def titles(cells: int) -> Line:
    """Above the rows."""
    texts = [fit(column.title, column.cells, right=column.right) for column in _columns(cells)]
    return clip(line(Span("  ".join([*texts, "MADE BY"]), Tone.MUTED)), cells)


def layer_row(layer: Layer, largest_bytes: int, cells: int, *, is_selected: bool) -> Line:
    """One layer.

    Args:
        largest_bytes: the size of the image's largest layer, for the bar.
    """
    spans: list[Span] = []
    for column in _columns(cells):
        spans += [*_padded(column.cell((layer, largest_bytes)), column), _GAP]
    words = instruction_words(layer.instruction) or "not told"
    tone = Tone.STRONG if is_selected else Tone.PLAIN if layer.instruction else Tone.FAINT
    return clip(line(*spans, Span(words, tone)), cells)


def all_row(layers: Sequence[Layer], cells: int, *, is_selected: bool) -> Line:
    """All layers together."""
    spans: list[Span] = []
    whole = sum(layer.size_bytes for layer in layers)
    for column in _columns(cells):
        text = {"": "", "LAYER": "all", "SIZE": units.size(whole)}.get(column.title, "")
        spans += [Span(fit(text, column.cells, right=column.right)), _GAP]
    words = "all together"
    return clip(line(*spans, Span(words, Tone.STRONG if is_selected else Tone.MUTED)), cells)


def summary(layers: Sequence[Layer], efficiency: float, cells: int) -> Line:
    """What of it nobody sees, and which share everybody needs."""
    wasted = sum(layer.wasted_bytes for layer in layers)
    tone = Tone.GOOD if efficiency >= 0.95 else Tone.WARN if efficiency >= 0.8 else Tone.BAD
    share = Span(f"{100 * efficiency:.0f} %", tone)
    is_short = cells < _SUMMARY_CELLS
    return joined(
        (
            line(Span("wasted ", Tone.MUTED), Span(units.size(wasted), Tone.WARN if wasted else Tone.MUTED)),
            line(share, Span(" needed", Tone.MUTED)) if is_short else line(Span("efficiency ", Tone.MUTED), share),
        ),
        Span(" · ", Tone.FAINT),
    )


def detail_lines(layer: Layer | None, cells: int, most: int) -> list[Line]:
    """What made a layer, in full as far as there is room, and its digest."""
    if layer is None:
        words, tone = "the layers laid on top of each other, as overlayfs does", Tone.MUTED
    elif not layer.diff_id:
        words, tone = "what this container has written", Tone.MUTED
    else:
        words, tone = instruction_words(layer.instruction) or "its image doesn't tell what made it", Tone.PLAIN
    digest = [line(Span(layer.diff_id, Tone.FAINT))] if layer is not None and layer.diff_id and most > 2 else []
    wrapped = textwrap.wrap(words, max(8, cells))
    room = max(1, most - len(digest))
    shown = [*wrapped[: room - 1], f"{wrapped[room - 1]} …"] if len(wrapped) > room else wrapped
    return [clip(each, cells) for each in (*(line(Span(text, tone)) for text in shown), *digest)]


def _columns(cells: int) -> list[Column[tuple[Layer, int]]]:
    return fitting(_COLUMNS, cells - _LEAST_WORDS - width((_GAP,)))


def _padded(of: Line, column: Column[tuple[Layer, int]]) -> Line:
    of = clip(of, column.cells)
    blank = " " * (column.cells - width(of))
    return line(blank, *of) if column.right else line(*of, blank)


def _number(row: tuple[Layer, int]) -> Line:
    return line(Span("own", Tone.ACCENT) if not row[0].diff_id else Span(str(row[0].number), Tone.MUTED))


def _bar(row: tuple[Layer, int]) -> Line:
    layer, largest_bytes = row
    return meter.meter([meter.Part("", layer.size_bytes, "", "━")], largest_bytes, _BAR_CELLS)


def _size(row: tuple[Layer, int]) -> Line:
    return line(Span(units.size(row[0].size_bytes), Tone.PLAIN if row[0].size_bytes else Tone.FAINT))


def _count(count: int, action: Action) -> Line:
    sign, tone = MARKS[action]
    return line(Span(f"{sign}{count}", tone) if count else Span(units.UNKNOWN, Tone.FAINT))


def _wasted(row: tuple[Layer, int]) -> Line:
    wasted = row[0].wasted_bytes
    return line(Span(units.size(wasted), Tone.WARN) if wasted else Span(units.UNKNOWN, Tone.FAINT))


_COLUMNS: tuple[Column[tuple[Layer, int]], ...] = (
    Column("LAYER", 5, _number, True),
    Column("", _BAR_CELLS, _bar, False, 3),
    Column("SIZE", 5, _size, True),
    Column("ADD", 5, lambda row: _count(row[0].added, "added"), True, 1),
    Column("CHNG", 5, lambda row: _count(row[0].changed, "changed"), True, 1),
    Column("REM", 5, lambda row: _count(row[0].removed, "removed"), True, 1),
    Column("WASTED", 6, _wasted, True, 2),
)
