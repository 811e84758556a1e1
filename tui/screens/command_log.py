"""What the app did, with times; what failed, with all that is known of why."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.command_log import CommandLog, Entry
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.log_entries import detail_lines, entry_line
from tui.widgets.drawn import content_of_lines
from tui.widgets.row_list import RowList

_SECONDS = 0.5


class Entries(RowList):
    """One entry a row, the latest last."""

    def __init__(self, log: CommandLog) -> None:
        super().__init__(id="entries")
        self._log = log

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._log.entries)

    @property
    def absence(self) -> Line:
        """What is said of an app that has done nothing yet."""
        return line(Span(" nothing was done yet", Tone.MUTED))

    @property
    def selected(self) -> Entry | None:
        """The entry that the cursor is on."""
        return self._log.entries[self.cursor] if self._log.entries else None

    def row(self, index: int, cells: int) -> Line:
        """One entry."""
        return entry_line(self._log.entries[index], cells)


class CommandLogScreen(ModalScreen[None]):
    """The log, and below all about the entry that the cursor is on."""

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    CommandLogScreen { align: center middle; background: $background 60%; }
    CommandLogScreen #entries { background: $surface; height: 1fr; }
    CommandLogScreen #detail { height: auto; max-height: 8; padding: 1 1 0 1; border-top: solid $border-quiet; }
    """
    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="log_of_commands.copy", tooltip="Copy the command, or what failed"),
        Binding("escape,q,L", "dismiss", "close", id="log_of_commands.close", tooltip="Close"),
    ]

    def __init__(self, log: CommandLog) -> None:
        super().__init__()
        self._list = Entries(log)

    def compose(self) -> ComposeResult:
        """List and detail."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title, dialog.border_subtitle = "what was done", "y copy · esc closes"
            yield self._list
            yield Static(id="detail")

    def on_mount(self) -> None:
        """Begin at the end, and follow what goes on."""
        self._list.cursor = max(0, self._list.count - 1)
        self.call_after_refresh(self._show)
        self.set_interval(_SECONDS, self._list.show)

    @on(RowList.Moved)
    def _show(self) -> None:
        self._list.show()
        entry = self._list.selected
        self.query_one("#detail", Static).update(content_of_lines(detail_lines(entry) if entry is not None else []))

    def action_copy(self) -> None:
        """Copy the command, or why there was a failure (OSC 52)."""
        if entry := self._list.selected:
            self.app.copy_to_clipboard("\n".join(filter(None, (entry.words, *entry.detail))))
            self.notify("copied")
