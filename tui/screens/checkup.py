"""What is out of step between the store, the disk and the kernel, and its repair."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.errors import BoxdeckError
from engine.model import Finding
from tui.drawing.findings import finding_lines
from tui.drawing.lines import Line, Span, Tone, line
from tui.widgets.drawn import content_of_lines

Check = Callable[[bool], AsyncIterator[Finding]]
"""Looks at everything; the argument says whether what is found is mended at once."""


class Checkup(ModalScreen[None]):
    """Looks when it is opened, and mends when it is told to.

    Args:
        check: does both.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "repair", "repair", id="checkup.repair", tooltip="Mend what can be mended"),
        Binding("escape,q,c", "dismiss", "close", id="checkup.close", tooltip="Close"),
    ]

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def compose(self) -> ComposeResult:
        """One column, scrolled."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "check"
            yield Static(id="findings")

    def on_mount(self) -> None:
        """Look."""
        self.run_worker(self._look(repairs=False), exclusive=True)

    def action_repair(self) -> None:
        """Mend, and say what was done."""
        self.run_worker(self._look(repairs=True), exclusive=True)

    async def _look(self, repairs: bool) -> None:
        self._show([line(Span("mending…" if repairs else "looking…", Tone.MUTED))], "esc closes")
        try:
            findings = [finding async for finding in self._check(repairs)]
        except BoxdeckError as error:
            self._show([line(Span(str(error), Tone.BAD))], "esc closes")
            return
        left = any(finding.is_mendable and not finding.is_mended for finding in findings)
        self._show(finding_lines(findings), "r repairs · esc closes" if left else "esc closes")

    def _show(self, lines: list[Line], keys: str) -> None:
        self.query_one("#findings", Static).update(content_of_lines(lines))
        self.query_one(".dialog").border_subtitle = keys
