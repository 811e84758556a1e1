"""The list of containers, with numbers that move and a selection that stays."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from engine.model import Container
from tui.deck import Deck
from tui.drawing import table
from tui.drawing.lines import Line
from tui.messages import SelectionMoved
from tui.widgets.drawn import content_of

_HEADER_ROWS = 1


class ContainersTable(ScrollView, can_focus=True, inherit_bindings=False):
    """One row a container, as many columns as fit, and a header that stays.

    Only rows that changed since the last paint are painted again.
    """

    DEFAULT_CSS = """
    ContainersTable {
        background: $background;
        scrollbar-size-horizontal: 0;
        & > .containers-table--cursor { background: $cursor; }
        & > .containers-table--blurred { background: $cursor 55%; }
        & > .containers-table--hover { background: $cursor 40%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "containers-table--cursor",
        "containers-table--blurred",
        "containers-table--hover",
    }
    """
    | Class | Description |
    | :- | :- |
    | `containers-table--cursor` | The selected row. |
    | `containers-table--blurred` | The selected row while another panel has the focus. |
    | `containers-table--hover` | The row under the pointer. |
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="table.up", show=False, tooltip="Select another container"),
        Binding("down,j", "move(1)", "down", id="table.down", show=False, tooltip="Select another container"),
        Binding(
            "pageup",
            "page(-1)",
            "page up",
            id="table.page_up",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
        Binding(
            "pagedown",
            "page(1)",
            "page down",
            id="table.page_down",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
        Binding(
            "home",
            "move(-1000000)",
            "first",
            id="table.first",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
        Binding(
            "end",
            "move(1000000)",
            "last",
            id="table.last",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
    ]

    def __init__(self, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._deck = deck
        self._listed: tuple[Container, ...] = ()
        self._painted: dict[int, Line] = {}
        self._hovered: int | None = None

    # --- news ---

    def show(self) -> None:
        """Take over what the deck holds now, and paint what differs."""
        self._listed = self._deck.listed
        size = Size(self._cells, len(self._listed) + _HEADER_ROWS)
        if size != self.virtual_size:
            self.virtual_size = size
            self._painted.clear()
            self.refresh()
        self._keep_in_sight()
        for y in range(self.size.height):
            if self._painted.get(y) != self._line(y):
                self.refresh(Region(0, y, self._cells, 1))

    @property
    def _cells(self) -> int:
        """Cells beside the scrollbar."""
        return self.scrollable_content_region.width

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now."""
        self._painted.clear()
        self.show()

    def _keep_in_sight(self) -> None:
        room = self.size.height - _HEADER_ROWS
        index, top = self._deck.selected_index, self.scroll_offset.y
        wanted = min(index, top) if index < top else max(top, index - room + 1)
        if room > 0 and wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    # --- painting ---

    def render_line(self, y: int) -> Strip:
        """The header, or one container."""
        line = self._line(y)
        self._painted[y] = line
        index = self._index_at(y)
        classes: tuple[str, ...] = ()
        if index is not None and index == self._deck.selected_index and self._deck.selected is not None:
            classes = ("containers-table--cursor" if self.has_focus else "containers-table--blurred",)
        elif index is not None and index == self._hovered:
            classes = ("containers-table--hover",)
        style = self.get_visual_style(*classes)
        strips = Visual.to_strips(self, content_of(line), self._cells, 1, style, pad=True, apply_selection=False)
        return strips[0]

    def _line(self, y: int) -> Line:
        columns = table.fitting(self._cells)
        if y < _HEADER_ROWS:
            return table.header(columns)
        index = self._index_at(y)
        if index is None:
            return ()
        container = self._listed[index]
        row = table.Row(
            container=container,
            sample=self._deck.sample(container.id),
            series=self._deck.history.of(container.id),
            now_unix_ns=time.time_ns(),
            pending=self._deck.pending.get(container.id, ""),
        )
        return table.row(row, columns, selected=container.id == self._deck.selected_id)

    def _index_at(self, y: int) -> int | None:
        index = y - _HEADER_ROWS + self.scroll_offset.y
        return index if y >= _HEADER_ROWS and index < len(self._listed) else None

    # --- moving ---

    def action_move(self, rows: int) -> None:
        """Move the selection."""
        self._deck.move(rows)
        self.post_message(SelectionMoved())

    def action_page(self, pages: int) -> None:
        """Move the selection by as many rows as are in sight."""
        self.action_move(pages * max(1, self.size.height - _HEADER_ROWS))

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer."""
        offset = event.get_content_offset(self)
        index = self._index_at(offset.y) if offset is not None else None
        if index is not None:
            self._deck.select(self._listed[index].id)
            self.post_message(SelectionMoved())

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Light the row under the pointer."""
        offset = event.get_content_offset(self)
        self._hover(self._index_at(offset.y) if offset is not None else None)

    def on_leave(self, event: events.Leave) -> None:
        """The pointer has gone."""
        self._hover(None)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self.refresh()
