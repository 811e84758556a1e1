"""What this machine lacks, each with the command that mends it."""

from __future__ import annotations

import locale
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.errors import BoxdeckError
from engine.preflight import terminal
from engine.preflight.part import Part
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.preflight import preflight_lines
from tui.widgets.drawn import content_of_lines

_WIDEST = 92
_FRAME_CELLS = 7  # borders, padding and a scrollbar

Examine = Callable[[bool], Awaitable[tuple[Part, ...]]]
"""Tells of the machine; the argument says whether it looks anew."""


class Preflight(ModalScreen[None]):
    """Looks when it is opened, and again when it is asked to.

    Args:
        examine: tells of the machine.
    """

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    Preflight { align: center middle; background: $background 60%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "again", id="preflight.again", tooltip="Look once more, after something was mended"),
        Binding("y", "copy", "copy", id="preflight.copy", tooltip="Copy the commands"),
        Binding("escape,q,D", "dismiss", "close", id="preflight.close", tooltip="Close"),
    ]

    def __init__(self, examine: Examine) -> None:
        super().__init__()
        self._examine = examine
        self._parts: Sequence[Part] = ()

    def compose(self) -> ComposeResult:
        """One column, scrolled."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title, dialog.border_subtitle = "this machine", "r look again · y copy commands · esc closes"
            yield Static(id="parts")

    def on_mount(self) -> None:
        """Look."""
        self.run_worker(self._look(again=False), exclusive=True)

    def action_again(self) -> None:
        """Look once more."""
        self.run_worker(self._look(again=True), exclusive=True)

    def action_copy(self) -> None:
        """Copy all commands, a line each (OSC 52)."""
        remedies = [part.remedy for part in self._parts if part.remedy]
        self.app.copy_to_clipboard("\n".join(remedies))
        self.notify(f"copied {len(remedies)} lines" if remedies else "there is nothing to mend")

    async def _look(self, *, again: bool) -> None:
        self._show([line(Span("trying what it can…", Tone.MUTED))])
        try:
            self._parts = (*await self._examine(again), self._terminal())
        except BoxdeckError as error:
            self._show([line(Span(str(error), Tone.BAD))])
            return
        self._show(preflight_lines(self._parts, self._cells))

    def _terminal(self) -> Part:
        size = self.app.size
        term, colours = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
        return terminal.judge(term, colours, locale.getencoding(), size.width, size.height)

    @property
    def _cells(self) -> int:
        return min(_WIDEST, self.app.size.width * 96 // 100) - _FRAME_CELLS

    def _show(self, lines: list[Line]) -> None:
        self.query_one("#parts", Static).update(content_of_lines(lines))
