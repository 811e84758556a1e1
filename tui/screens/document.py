"""A document to read, search with the eyes and copy: everything that is known of a container."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.errors import BoxdeckError

_KEY = re.compile(r'^\s*"(?:[^"\\]|\\.)*"(?=:)', re.MULTILINE)


class Document(ModalScreen[None]):
    """JSON as large as the screen; text in it can be selected.

    Args:
        title: whose it is.
        read: brings it in.
    """

    DEFAULT_CSS = """
    Document {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 96%; height: 96%; padding: 0 1; background: $surface; border: round $border-focus;
            border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $muted;
        }
        & Static { width: auto; }
        & VerticalScroll { overflow-x: auto; scrollbar-size-horizontal: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="document.copy", tooltip="Copy what is selected, or all"),
        Binding("down,j", "scroll(1)", "down", id="document.down", show=False, tooltip="A line down"),
        Binding("up,k", "scroll(-1)", "up", id="document.up", show=False, tooltip="A line up"),
        Binding("pagedown,space", "page(1)", "page down", id="document.page_down", show=False, tooltip="A page down"),
        Binding("pageup", "page(-1)", "page up", id="document.page_up", show=False, tooltip="A page up"),
        Binding("home,g", "first", "first", id="document.first", show=False, tooltip="The first line"),
        Binding("end,G", "last", "last", id="document.last", show=False, tooltip="The last line"),
        Binding("escape,q,i", "dismiss", "close", id="document.close", tooltip="Close"),
    ]

    def __init__(self, title: str, read: Callable[[], Awaitable[str]]) -> None:
        super().__init__()
        self._title, self._read, self._text = title, read, ""

    def compose(self) -> ComposeResult:
        """One text, scrolled."""
        with Vertical() as frame:
            frame.border_title, frame.border_subtitle = self._title, "y copy · esc closes"
            with VerticalScroll():
                yield Static("reading…", id="text")

    def on_mount(self) -> None:
        """Read it."""
        self.run_worker(self._fill())

    async def _fill(self) -> None:
        try:
            self._text = await self._read()
        except BoxdeckError as error:
            self.query_one("#text", Static).update(Content.styled(str(error), "$error"))
            return
        content = Content(self._text)
        for key in _KEY.finditer(self._text):
            content = content.stylize("$accent", key.start(), key.end())
        self.query_one("#text", Static).update(content)

    @property
    def _view(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_scroll(self, lines: int) -> None:
        """Move by lines."""
        self._view.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self._view.scroll_relative(y=pages * max(1, self._view.size.height - 2), animate=False)

    def action_first(self) -> None:
        """To the beginning."""
        self._view.scroll_home(animate=False)

    def action_last(self) -> None:
        """To the end."""
        self._view.scroll_end(animate=False)

    def action_copy(self) -> None:
        """Copy what is selected with the mouse, or all of it."""
        selected = self.get_selected_text()
        self.app.copy_to_clipboard(selected or self._text)
        self.notify("copied what is selected" if selected else f"copied all {self._text.count(chr(10)) + 1} lines")
