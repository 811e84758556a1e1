"""Names of a form's sections in one line; those in which something is said have a dot."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import events
from textual.message import Message

from tui.drawing.lines import Span, Tone, line
from tui.widgets.drawn import Drawn

_GAP = 1


class SectionTabs(Drawn):
    """The one that is shown is lit; a click shows another.

    Args:
        names: of the sections, in their order.
    """

    DEFAULT_CSS = """
    SectionTabs { height: 1; margin-bottom: 1; }
    """

    class Chosen(Message):
        """A section was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(id="sections")
        self._names = names

    def show_sections(self, shown: int, filled: Collection[int]) -> None:
        """Paint them.

        Args:
            filled: sections in which something is said.
        """
        pieces: list[Span] = []
        for index, name in enumerate(self._names):
            tone = Tone.LIT if index == shown else Tone.MUTED
            pieces += [Span(" " if index else ""), Span(name, tone), Span("•" if index in filled else " ", Tone.ACCENT)]
        self.show([line(*pieces)])

    def on_click(self, event: events.Click) -> None:
        """Show the section under the pointer."""
        offset, start = event.get_content_offset(self), 0
        for index, name in enumerate(self._names):
            width = len(name) + 1 + _GAP
            if offset is not None and start <= offset.x < start + width:
                self.post_message(self.Chosen(index))
            start += width
