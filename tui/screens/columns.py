"""Which columns the table of containers has, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.drawing.lines import Line, Span, Tone, clip, line
from tui.drawing.table import COLUMNS
from tui.widgets.row_list import RowList

_WORDS = {
    "name": "its name, which is always shown",
    "state": "running, exited; healthy where that is checked",
    "image": "the image as it was asked for",
    "cpu": "percent of one processor",
    "history": "the processor's curve",
    "memory": "in use, and the limit",
    "share": "percent of the memory that it may use",
    "network": "bytes received and sent a second",
    "disk": "bytes read and written a second",
    "pids": "processes and threads",
    "ports": "ports of the host's, and where they lead",
    "uptime": "how long it has been running",
    "restarts": "how often it was started again",
}


class ColumnList(RowList):
    """One column a row, with a mark on those that are shown.

    Args:
        shown: keys of the columns that are, in their order; None for all.
    """

    def __init__(self, shown: tuple[str, ...] | None) -> None:
        super().__init__(id="columns")
        self._shown: set[str] = set()
        self._keys: list[str] = []
        self.reset(shown)

    @property
    def shown(self) -> tuple[str, ...]:
        """Keys of those that are marked, in their order."""
        return tuple(key for key in self._keys if key in self._shown)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._keys)

    def row(self, index: int, cells: int) -> Line:
        """One column."""
        key = self._keys[index]
        is_shown = key in self._shown
        mark = Span("[✓] " if is_shown else "[ ] ", Tone.ACCENT if is_shown else Tone.MUTED)
        name = Span(f"{key:<10} ", Tone.PLAIN if is_shown else Tone.MUTED)
        return clip(line(mark, name, Span(_WORDS[key], Tone.MUTED)), cells)

    def reset(self, shown: tuple[str, ...] | None) -> None:
        """Begin with these, the others below them."""
        known = tuple(key for key in shown if key in COLUMNS) if shown is not None else tuple(COLUMNS)
        self._shown = {"name", *known}
        self._keys = [*known, *(key for key in COLUMNS if key not in known)]

    def toggle(self) -> None:
        """Mark the column that the cursor is on, or take its mark; the name keeps it."""
        self._shown ^= {self._keys[self.cursor]}
        self._shown.add("name")

    def carry(self, rows: int) -> None:
        """Move the column up or down."""
        place = max(0, min(self.count - 1, self.cursor + rows))
        self._keys.insert(place, self._keys.pop(self.cursor))
        self.go_to(place)


class Columns(ModalScreen[None]):
    """Shows, hides and moves columns; the table below follows at once.

    Args:
        shown: keys of the columns that are shown; None for as many as fit.
        changed: told other ones.
    """

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    Columns { align: center middle; background: $background 40%; }
    Columns #columns { background: $surface; }
    """
    AUTO_FOCUS = "#columns"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "show_or_hide", "show or hide", id="columns.toggle", tooltip="Show the column, or hide it"),
        Binding("shift+up,K", "carry(-1)", "up", id="columns.up", tooltip="Move the column to the left"),
        Binding("shift+down,J", "carry(1)", "down", id="columns.down", tooltip="Move the column to the right"),
        Binding("r", "reset", "reset", id="columns.reset", tooltip="As many as fit, in their usual order"),
        Binding("escape,enter,q", "close", "close", id="columns.close", tooltip="Back to the table"),
    ]

    def __init__(self, shown: tuple[str, ...] | None, changed: Callable[[tuple[str, ...] | None], object]) -> None:
        super().__init__()
        self._changed = changed
        self._list = ColumnList(shown)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "columns"
            dialog.border_subtitle = "space show · J K move · r reset · esc close"
            yield self._list

    def on_mount(self) -> None:
        """As high as the list."""
        self._list.styles.height = self._list.count
        self.call_after_refresh(self._list.show)

    def action_show_or_hide(self) -> None:
        """Show or hide the column that the cursor is on."""
        self._list.toggle()
        self._tell(self._list.shown)

    def action_carry(self, rows: int) -> None:
        """Move it."""
        self._list.carry(rows)
        self._tell(self._list.shown)

    def action_reset(self) -> None:
        """As nobody had chosen."""
        self._list.reset(None)
        self._tell(None)

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss(None)

    def _tell(self, shown: tuple[str, ...] | None) -> None:
        self._list.show()
        self._changed(shown)
