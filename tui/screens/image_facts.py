"""What an image's config says, and how it came to be."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import BoxdeckError
from engine.model import Container, HistoryStep, Image
from tui.drawing import image_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.widgets.drawn import content_of_lines

_STEP_CELLS = 400


class ImageFacts(ModalScreen[None]):
    """Facts, then the history, which takes a moment to read.

    Args:
        users: the containers that were made from it.
        history: reads it.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i", "dismiss", "close", id="facts.close", tooltip="Close"),
    ]

    def __init__(
        self, image: Image, users: Sequence[Container], history: Callable[[], Awaitable[Sequence[HistoryStep]]]
    ) -> None:
        super().__init__()
        self._image, self._users, self._history = image, users, history

    def compose(self) -> ComposeResult:
        """One column, scrolled."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = image_rows.name_of(self._image)
            dialog.border_subtitle = "esc closes"
            yield _Facts(self._image, self._users)
            yield Static(content_of_lines(_section([line(Span("reading…", Tone.MUTED))])), id="history")

    def on_mount(self) -> None:
        """Read the history."""
        self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            lines = image_rows.history_lines(await self._history(), _STEP_CELLS, time.time_ns())
        except BoxdeckError as error:
            lines = [line(Span(str(error), Tone.BAD))]
        self.query_one("#history", Static).update(content_of_lines(_section(lines)))


class _Facts(Widget):
    """What its config says, laid out for the room there is."""

    DEFAULT_CSS = """
    _Facts { height: auto; }
    """

    def __init__(self, image: Image, users: Sequence[Container]) -> None:
        super().__init__()
        self._image, self._users = image, users

    def render(self) -> Content:
        """All lines."""
        return content_of_lines(self._lines(self.size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as long values take."""
        return len(self._lines(width))

    def _lines(self, cells: int) -> list[Line]:
        return image_rows.facts(self._image, self._users, cells)


def _section(lines: list[Line]) -> list[Line]:
    return [(), line(Span("how it came to be", Tone.STRONG)), *lines]
