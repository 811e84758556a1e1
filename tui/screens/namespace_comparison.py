"""A container's namespaces beside the host's, and beside those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from engine.model import NamespacePortrait
from tui.drawing.lines import plain
from tui.drawing.namespace_comparison import comparison_lines
from tui.widgets.drawn import Drawn

_CELLS_FOR_HOST = 100
_MOST_CELLS = 150


class NamespaceComparison(ModalScreen[None]):
    """Two or three portraits in columns; the host's gives way where two containers fill the screen.

    Args:
        portraits: the host's first.
    """

    CSS_PATH = "dialog.tcss"
    CSS = f"""
    NamespaceComparison {{ align: center middle; background: $background 60%; }}
    NamespaceComparison .dialog {{ width: {_MOST_CELLS}; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="comparison.copy", tooltip="Copy all of it"),
        Binding("escape,q,equals_sign", "dismiss", "close", id="comparison.close", tooltip="Close"),
    ]

    def __init__(self, portraits: Sequence[NamespacePortrait]) -> None:
        super().__init__()
        self._portraits = portraits

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "namespaces side by side"
            dialog.border_subtitle = "y copy · esc closes"
            yield Drawn(id="comparison")

    def on_mount(self) -> None:
        """Draw."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Other columns fit."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        drawn = self.query_one("#comparison", Drawn)
        cells = drawn.size.width
        is_crowded = len(self._portraits) > 2 and cells < _CELLS_FOR_HOST
        host, *others = self._portraits
        lines = comparison_lines(others, cells, host) if is_crowded else comparison_lines(self._portraits, cells)
        drawn.show(lines)

    def action_copy(self) -> None:
        """Copy all columns (OSC 52)."""
        lines = comparison_lines(self._portraits, _MOST_CELLS)
        self.app.copy_to_clipboard("\n".join(plain(each).rstrip() for each in lines))
        self.notify("copied")
