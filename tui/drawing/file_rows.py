"""A tree of files as rows: what was done to each, its size, the layer that it comes from, and its name."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import Layer, Sighting
from engine.model.layer import Action
from tui.drawing import layer_rows, units
from tui.drawing.layer_rows import MARKS
from tui.drawing.lines import Line, Span, Tone, clip, joined, line, printable
from tui.file_list import FileRow

_BELOW = "·"
_GUIDE = "│ "
_DEEPEST_GUIDES = 24
_LAYER_CELLS, _SIZE_CELLS = 5, 5
_DOT = Span(" · ", Tone.FAINT)


def titles(cells: int) -> Line:
    """Above the rows."""
    return clip(line(Span(f"  {'SIZE':>{_SIZE_CELLS}}  {'LAYER':>{_LAYER_CELLS}}  FILE", Tone.MUTED)), cells)


def file_row(row: FileRow, own_layer: int | None, cells: int, *, is_selected: bool) -> Line:
    """One file.

    Args:
        own_layer: the number of a container's own layer, if there is one.
    """
    file = row.file
    mark, tone = MARKS[file.action]
    if file.action is None and file.is_touched:
        mark, tone = _BELOW, Tone.WARN
    layer = "own" if file.layer == own_layer else str(file.layer or "")
    name_tone = tone if file.action else Tone.STRONG if is_selected else Tone.ACCENT if file.kind == "d" else Tone.PLAIN
    arrow = ("▾ " if row.is_open else "▸ ") if file.children else "  "
    indent = _GUIDE * min(row.depth, _DEEPEST_GUIDES)
    return clip(
        line(
            Span(f"{mark} ", tone),
            Span(f"{units.size(file.size_bytes):>{_SIZE_CELLS}}", Tone.PLAIN if file.size_bytes else Tone.FAINT),
            Span(f"  {layer:>{_LAYER_CELLS}}  ", Tone.MUTED),
            Span(indent, Tone.FAINT),
            Span(arrow, Tone.MUTED),
            Span(printable(file.name), name_tone),
            Span("/" if file.kind == "d" else "", Tone.FAINT),
            Span(f" → {printable(file.link)}" if file.link else "", Tone.MUTED),
        ),
        cells,
    )


def path_lines(
    row: FileRow, sightings: Sequence[Sighting], layers: Sequence[Layer], cells: int, most: int
) -> list[Line]:
    """Which layer a path comes from, and which ones that hides.

    Args:
        sightings: what layers have done to it, the topmost first.
        layers: all of them.
        most: lines to make, at least 2.
    """
    words = {layer.number: layer for layer in layers}
    lines = [_path_line(row)]
    shown = sightings if len(sightings) < most else sightings[: most - 2]
    for place, sighting in enumerate(shown):
        verb = _VERBS[sighting.action] if place == 0 or sighting.action == "removed" else "hides"
        lines.append(_sighting_line(verb, sighting, words.get(sighting.layer), place == 0))
    if len(shown) < len(sightings):
        lines.append(line(Span(f"and {len(sightings) - len(shown)} more layers", Tone.MUTED)))
    return [clip(each, cells) for each in lines]


def _path_line(row: FileRow) -> Line:
    kind = _KINDS.get(row.file.kind, "")
    return joined(
        (
            line(Span(printable(row.path), Tone.STRONG)),
            line(Span(kind, Tone.MUTED)),
            line(units.size(row.file.size_bytes)) if row.file.size_bytes else (),
        ),
        _DOT,
    )


def _sighting_line(verb: str, sighting: Sighting, layer: Layer | None, is_first: bool) -> Line:
    name = f"layer {sighting.layer}" if sighting.diff_id else "the container's own layer"
    words = layer_rows.instruction_words(layer.instruction) if layer is not None and sighting.diff_id else ""
    _, tone = MARKS[sighting.action]
    return joined(
        (
            line(
                Span(f"{verb:<8} ", tone if is_first else Tone.MUTED),
                Span(name, Tone.PLAIN if is_first else Tone.MUTED),
            ),
            line(Span(units.size(sighting.size_bytes), Tone.MUTED)) if sighting.size_bytes else (),
            line(Span(words, Tone.MUTED)),
        ),
        _DOT,
    )


_VERBS: dict[Action, str] = {"added": "from", "changed": "from", "removed": "gone by"}
_KINDS = {
    "-": "file",
    "d": "folder",
    "l": "link",
    "c": "character device",
    "b": "block device",
    "p": "pipe",
    "s": "socket",
}
