"""The table of volumes, and what there is to say about one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.model import Container
from engine.model.volume import Volume
from tui.drawing import units
from tui.drawing.columns import Column
from tui.drawing.labels import Fact, fact_lines
from tui.drawing.lines import Line, Span, Tone, clip, line, printable
from tui.drawing.name_table import NameTable

_LEAST_NAME_CELLS, _MOST_NAME_CELLS = 16, 48
_UNNAMED_CELLS = 12


class VolumeRow(Struct, frozen=True, kw_only=True):
    """What is known of a volume, and the containers that use it, when its row is drawn."""

    volume: Volume
    users: Sequence[Container]
    now_unix_ns: int


def name_of(volume: Volume) -> str:
    """Its name; of one that nobody named, the beginning."""
    return printable(volume.name[:_UNNAMED_CELLS] if volume.is_anonymous else volume.name)


def users_of(volume: Volume, containers: Mapping[str, Container]) -> list[Container]:
    """The containers that use it, by name."""
    return [containers[name] for name in volume.users if name in containers]


def titles(cells: int) -> Line:
    """Above the rows."""
    return clip(_TABLE.titles(cells), cells)


def volume_row(row: VolumeRow, cells: int, *, is_selected: bool) -> Line:
    """One volume; a filled dot says that containers use it, in the tone of those that run."""
    return clip(_TABLE.row(_name(row, is_selected), row, cells), cells)


def _name(row: VolumeRow, is_selected: bool) -> Line:
    running = any(user.is_running for user in row.users)
    glyph = Span("● ", Tone.GOOD) if running else Span("● ", Tone.MUTED) if row.users else Span("○ ", Tone.FAINT)
    if row.volume.is_anonymous:
        return line(glyph, Span(name_of(row.volume), Tone.MUTED), Span("  no name", Tone.FAINT))
    return line(glyph, Span(name_of(row.volume), Tone.STRONG if is_selected else Tone.PLAIN))


def _users(row: VolumeRow) -> Line:
    names = [user.name for user in row.users] or list(row.volume.users)
    return line(Span(printable(", ".join(names)), Tone.PLAIN)) if names else line(Span("nobody", Tone.FAINT))


def _age(row: VolumeRow) -> Line:
    return line(Span(units.duration((row.now_unix_ns - row.volume.created_unix_ns) / 1e9), Tone.MUTED))


def _labels(row: VolumeRow) -> Line:
    words = ", ".join(f"{name}={value}" for name, value in row.volume.labels.items())
    return line(Span(printable(words), Tone.MUTED))


_COLUMNS: tuple[Column[VolumeRow], ...] = (
    Column("AGE", 8, _age, True, 1),
    Column("USED BY", 30, _users),
    Column("LABELS", 40, _labels, False, 2),
)
_TABLE = NameTable("  VOLUME", _COLUMNS, _LEAST_NAME_CELLS, _MOST_NAME_CELLS)


def facts(volume: Volume, size_bytes: int | None, users: Sequence[Container]) -> list[Line]:
    """Everything about a volume, in labelled lines."""
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(volume.created_unix_ns // 10**9))
    rows: list[Fact] = [
        ("name", (line(printable(volume.name)),)),
        ("folder", (line(printable(volume.path)),)),
        ("holds", (line(units.size(size_bytes) if size_bytes is not None else units.UNKNOWN),)),
        ("created", (line(created),)),
        ("labels", [line(printable(f"{name}={value}")) for name, value in volume.labels.items()]),
        ("used by", [_mounts(volume, user) for user in users] or (line(Span("no container", Tone.FAINT)),)),
    ]
    return fact_lines(rows)


def _mounts(volume: Volume, user: Container) -> Line:
    places = [mount.destination for mount in user.request.volumes if mount.name == volume.name]
    return line(
        Span("● " if user.is_running else "○ ", Tone.GOOD if user.is_running else Tone.FAINT),
        Span(printable(user.name), Tone.STRONG),
        Span(f"  at {printable(', '.join(places))}" if places else "", Tone.MUTED),
    )


def removal_sentence(size_bytes: int | None) -> str:
    """What goes when a volume is removed."""
    size = "all that is in it" if size_bytes is None else f"the {units.size(size_bytes)} in it"
    return f"The volume and {size} go from the disk, and nothing brings them back."
