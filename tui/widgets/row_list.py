"""A list with a cursor, of any length: only rows in sight are made, and only those that changed are painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.drawing.lines import Line
from tui.widgets.direct import Direct
from tui.widgets.in_order import InOrder
from tui.widgets.palette import Palette, bands

_FAR = 1_000_000_000


class RowList(ScrollView, Direct, InOrder, can_focus=True, inherit_bindings=False):
    """Titles that stay, and rows below them; what they are is for subclasses to say.

    Attributes:
        cursor: index of the row that is selected.
    """

    DEFAULT_CSS = """
    RowList {
        background: $background;
        scrollbar-size-horizontal: 0;
        & > .row-list--cursor { background: $cursor; }
        & > .row-list--blurred { background: $cursor 55%; }
        & > .row-list--hover { background: $cursor 40%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--cursor", "row-list--blurred", "row-list--hover"}
    """
    | Class | Description |
    | :- | :- |
    | `row-list--cursor` | The selected row. |
    | `row-list--blurred` | The selected row while another panel has the focus. |
    | `row-list--hover` | The row under the pointer. |
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="rows.up", show=False, tooltip="Another row"),
        Binding("down,j", "move(1)", "down", id="rows.down", show=False, tooltip="Another row"),
        Binding("pageup", "page(-1)", "page up", id="rows.page_up", show=False, tooltip="A page up or down"),
        Binding("pagedown", "page(1)", "page down", id="rows.page_down", show=False, tooltip="A page up or down"),
        Binding("home,g", f"move({-_FAR})", "first", id="rows.first", show=False, tooltip="The first or the last"),
        Binding("end,G", f"move({_FAR})", "last", id="rows.last", show=False, tooltip="The first or the last"),
    ]

    class Moved(Message):
        """Another row is selected."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list, for `textual.on`."""
            return self.rows

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor ends counts."""
            return isinstance(message, RowList.Moved) and message.rows is self.rows

    class Chosen(Message):
        """A row was clicked twice."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list, for `textual.on`."""
            return self.rows

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self._painted: dict[int, Line] = {}
        self._palettes: dict[str, Palette] = {}
        self._hovered: int | None = None

    # --- for subclasses ---

    @property
    def count(self) -> int:
        """How many rows there are."""
        return 0

    @property
    def titles(self) -> Sequence[Line]:
        """Lines that stay above the rows."""
        return ()

    def row(self, index: int, cells: int) -> Line:
        """One row."""
        return ()

    @property
    def absence(self) -> Line:
        """What is said while there are no rows."""
        return ()

    # --- painting ---

    @property
    def cells(self) -> int:
        """Cells beside the scrollbar."""
        return self.scrollable_content_region.width

    @property
    def page_rows(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - len(self.titles))

    def show(self) -> None:
        """Look at the rows anew, and paint those that differ."""
        self.cursor = max(0, min(self.cursor, self.count - 1))
        size = Size(self.cells, self.count + len(self.titles))
        if size != self.virtual_size:
            self.virtual_size = size
            self._painted.clear()
            self.refresh()
        self._keep_in_sight()
        changed = [y for y in range(self.size.height) if self._painted.get(y) != self._line(y)]
        if changed:
            self.refresh(*bands(changed, self.size))

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """Lines in sight, also below the scrollbar that lies over their last cell."""
        cells = self.size.width
        for y in rows:
            self._painted[y] = self._line(y)
        return [self._palette(self._index_at(y)).strip(self._painted[y], cells) for y in rows]

    def _line(self, y: int) -> Line:
        titles = self.titles
        if y < len(titles):
            return titles[y]
        if not self.count and y == len(titles):
            return self.absence
        index = self._index_at(y)
        return self.row(index, self.cells) if index is not None else ()

    def _palette(self, index: int | None) -> Palette:
        """The colours of a row; the selected one and the one under the pointer have others."""
        name = ""
        if index is not None and index == self.cursor:
            name = "row-list--cursor" if self.has_focus else "row-list--blurred"
        elif index is not None and index == self._hovered:
            name = "row-list--hover"
        if name not in self._palettes:
            self._palettes[name] = Palette(self, self.get_visual_style(*filter(None, [name])))
        return self._palettes[name]

    def _index_at(self, y: int) -> int | None:
        above = len(self.titles)
        index = y - above + self.scroll_offset.y
        return index if y >= above and index < self.count else None

    def _keep_in_sight(self) -> None:
        top = self.scroll_offset.y
        wanted = min(self.cursor, top) if self.cursor < top else max(top, self.cursor - self.page_rows + 1)
        if self.size.height > len(self.titles) and wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def notify_style_update(self) -> None:
        """Look at the colours again before the next paint."""
        super().notify_style_update()
        self._palettes.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in sight."""
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now."""
        self._painted.clear()
        self.show()

    # --- moving ---

    def go_to(self, index: int) -> None:
        """Select a row."""
        if self.count:
            self.cursor = max(0, min(self.count - 1, index))
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Moved(self))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.go_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by as many rows as are in sight."""
        self.go_to(self.cursor + pages * self.page_rows)

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one chooses."""
        offset = event.get_content_offset(self)
        index = self._index_at(offset.y) if offset is not None else None
        if index is None:
            return
        is_second = index == self.cursor and event.chain > 1
        self.go_to(index)
        if is_second:
            self.post_message(self.Chosen(self))

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
