"""The table of images, and what there is to say about one."""

from __future__ import annotations

import shlex
import textwrap
import time
from collections.abc import Sequence

from msgspec import Struct

from engine.model import Container, HistoryStep, Image
from tui.drawing import layer_rows, units
from tui.drawing.columns import Column
from tui.drawing.labels import LABEL_CELLS, fact_lines
from tui.drawing.lines import Line, Span, Tone, clip, line, printable
from tui.drawing.name_table import GAP, NameTable

_LEAST_NAME_CELLS, _MOST_NAME_CELLS = 20, 60
_NAMELESS = "no name"


class ImageRow(Struct, frozen=True, kw_only=True):
    """What is known of an image when its row is drawn."""

    image: Image
    users: Sequence[Container]
    shared_layers: int
    now_unix_ns: int


def short_id(image: Image) -> str:
    """The first digits of its id."""
    return image.id.partition(":")[2][:12]


def name_of(image: Image) -> str:
    """What it is called first, or the first digits of its id."""
    return printable(image.references[0]) if image.references else short_id(image)


def titles(cells: int) -> Line:
    """Above the rows."""
    runs = (Span(f"{GAP}RUNS", Tone.MUTED),) if _tells_what_runs(cells) else ()
    return clip(line(*_TABLE.titles(cells), *runs), cells)


def image_row(row: ImageRow, cells: int, *, is_selected: bool) -> Line:
    """One image; a filled dot says that containers use it, in the tone of those that run."""
    of = _TABLE.row(_name(row, is_selected), row, cells)
    if not _tells_what_runs(cells):
        return clip(of, cells)
    argv = (*row.image.config.entrypoint, *row.image.config.command)
    return clip(line(*of, Span(GAP), Span(printable(shlex.join(argv)) or units.UNKNOWN, Tone.MUTED)), cells)


def _tells_what_runs(cells: int) -> bool:
    return _TABLE.spare(cells) >= _LEAST_NAME_CELLS


def _name(row: ImageRow, is_selected: bool) -> Line:
    running = any(user.is_running for user in row.users)
    glyph = Span("● ", Tone.GOOD) if running else Span("● ", Tone.MUTED) if row.users else Span("○ ", Tone.FAINT)
    references = row.image.references
    if not references:
        return line(glyph, Span(_NAMELESS, Tone.MUTED))
    path, colon, tag = printable(references[0]).rpartition(":")
    more = Span(f"  +{len(references) - 1}", Tone.FAINT) if len(references) > 1 else Span("")
    return line(glyph, Span(path, Tone.STRONG if is_selected else Tone.PLAIN), Span(colon + tag, Tone.MUTED), more)


def _age(row: ImageRow) -> Line:
    if not row.image.created_unix_ns:
        return line(Span(units.UNKNOWN, Tone.FAINT))
    return line(Span(units.duration((row.now_unix_ns - row.image.created_unix_ns) / 1e9), Tone.MUTED))


def _layers(row: ImageRow) -> Line:
    shared = Span(f" ({row.shared_layers})", Tone.FAINT) if row.shared_layers else Span("")
    return line(str(len(row.image.layers)), shared)


def _users(row: ImageRow) -> Line:
    running = sum(user.is_running for user in row.users)
    if not row.users:
        return line(Span(units.UNKNOWN, Tone.FAINT))
    return line(Span(str(running), Tone.GOOD if running else Tone.MUTED), Span(f" / {len(row.users)}", Tone.MUTED))


_COLUMNS: tuple[Column[ImageRow], ...] = (
    Column("ID", 12, lambda row: line(Span(short_id(row.image), Tone.MUTED)), False, 3),
    Column("AGE", 8, _age, True, 2),
    Column("SIZE", 5, lambda row: line(units.size(row.image.size_bytes)), True),
    Column("LAYERS", 7, _layers, True, 1),
    Column("USED BY", 7, _users, True),
)
_TABLE = NameTable("  IMAGE", _COLUMNS, _LEAST_NAME_CELLS, _MOST_NAME_CELLS)


# --- one image ---


def facts(image: Image, users: Sequence[Container], cells: int) -> list[Line]:
    """Everything that its config says, in labelled lines; what is longer than the room for it goes on below itself."""
    config = image.config
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(image.created_unix_ns // 10**9))
    rows: list[tuple[str, Sequence[str]]] = [
        ("names", image.references or (_NAMELESS,)),
        ("id", (image.id,)),
        ("manifest", (image.manifest_digest,)),
        ("created", (created if image.created_unix_ns else "",)),
        ("made for", (image.architecture,)),
        ("size", (f"{units.size(image.size_bytes)} in {_several(len(image.layers), 'layer')}",)),
        ("used by", [f"{user.name} · {user.state.value}" for user in users] or ("no container",)),
        ("entrypoint", (shlex.join(config.entrypoint),)),
        ("command", (shlex.join(config.command),)),
        ("works in", (config.working_dir,)),
        ("user", (config.user,)),
        ("stopped by", (config.stop_signal,)),
        ("environment", config.env),
        ("labels", [f"{name}={value}" for name, value in config.labels.items()]),
    ]
    return fact_lines((name, [each for value in values for each in _pieces(value, cells)]) for name, values in rows)


def _pieces(value: str, cells: int) -> list[Line]:
    """As many lines as it takes beside a label; none for nothing."""
    pieces = textwrap.wrap(printable(value), max(8, cells - LABEL_CELLS), break_on_hyphens=False)
    return [line(piece) for piece in pieces]


def history_lines(steps: Sequence[HistoryStep], cells: int, now_unix_ns: int) -> list[Line]:
    """How it came to be, the latest step first; those that made no layer are muted."""
    return [clip(_step(step, now_unix_ns), cells) for step in steps]


def _step(step: HistoryStep, now_unix_ns: int) -> Line:
    ago = units.span((now_unix_ns - step.created_unix_ns) / 1e9) if step.created_unix_ns else ""
    size = units.size(step.size_bytes) if step.diff_id else units.UNKNOWN
    words = layer_rows.instruction_words(step.instruction) or printable(step.comment) or "not told"
    return line(
        Span(f"{size:>5}  ", Tone.PLAIN if step.diff_id else Tone.FAINT),
        Span(f"{ago:>5}  ", Tone.MUTED),
        Span(words, Tone.PLAIN if step.diff_id else Tone.MUTED),
    )


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
