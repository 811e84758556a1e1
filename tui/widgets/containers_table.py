"""The list of containers, with numbers that move and a selection that stays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.model import Container
from tui.deck import Deck
from tui.drawing import table
from tui.drawing.lines import Line
from tui.grouping import Heading, Row
from tui.messages import SelectionMoved
from tui.sorting import Order
from tui.widgets.direct import Direct
from tui.widgets.in_order import InOrder
from tui.widgets.palette import Palette, bands

_HEADER_ROWS = 1


class _Drawn(NamedTuple):
    """A container's line, and what it was drawn of."""

    of: tuple[object, ...]
    row: table.Row
    line: Line


class ContainersTable(ScrollView, Direct, InOrder, can_focus=True, inherit_bindings=False):
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
            "home,g",
            "move(-1000000)",
            "first",
            id="table.first",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
        Binding(
            "end,G",
            "move(1000000)",
            "last",
            id="table.last",
            show=False,
            tooltip="A page up or down, the first, the last",
        ),
        Binding("space", "mark", "mark", id="table.mark", show=False, tooltip="Keys act on all that are marked"),
        Binding("asterisk", "mark_listed", "mark all", id="table.mark_all", show=False, tooltip="All listed, or none"),
        Binding("enter", "fold", "fold", id="table.fold", show=False, tooltip="Fold a group, or unfold it"),
    ]

    def __init__(self, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._deck = deck
        self._rows: tuple[Row, ...] = ()
        self._painted: dict[int, Line] = {}
        self._strips: dict[int, tuple[Line, Palette, Strip]] = {}
        self._palettes: dict[str, Palette] = {}
        self._hovered: int | None = None
        self._drawn: dict[str, _Drawn] = {}

    # --- news ---

    def show(self) -> None:
        """Take over what the deck holds now, and paint what differs."""
        self._rows = self._deck.rows
        size = Size(self._cells, len(self._rows) + _HEADER_ROWS)
        if size != self.virtual_size:
            self.virtual_size = size
            self._painted.clear()
            self.refresh()
        self._keep_in_sight()
        lines = self._lines()
        changed = [y for y, line in enumerate(lines) if self._painted.get(y) != line]
        self._painted.update((y, lines[y]) for y in changed)
        if changed:
            self.refresh(*bands(changed, self.size))

    def notify_style_update(self) -> None:
        """Look at the colours again before the next paint."""
        super().notify_style_update()
        self._palettes.clear()

    @property
    def in_sight(self) -> Sequence[Container]:
        """The containers whose rows are in sight."""
        return [row for row in self._rows_in_sight if isinstance(row, Container)]

    @property
    def columns_in_sight(self) -> tuple[table.Column, ...]:
        """The columns that fit."""
        return table.fitting(self._cells, self._deck.columns)

    @property
    def _rows_in_sight(self) -> Sequence[Row]:
        top = self.scroll_offset.y
        return self._rows[top : top + max(0, self.size.height - _HEADER_ROWS)]

    @property
    def _cells(self) -> int:
        """Cells beside the scrollbar."""
        return self.scrollable_content_region.width

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now."""
        self._painted.clear()
        self._strips.clear()
        self.show()

    def _keep_in_sight(self) -> None:
        room = self.size.height - _HEADER_ROWS
        index, top = self._deck.selected_index, self.scroll_offset.y
        wanted = min(index, top) if index < top else max(top, index - room + 1)
        if room > 0 and wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in sight."""
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()

    # --- painting ---

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """The header and containers."""
        if not all(y in self._painted for y in rows):
            self._painted.update(enumerate(self._lines()))
        top, cells = self.scroll_offset.y - _HEADER_ROWS, self.size.width
        return [self._strip(y, self._palette(y + top if y >= _HEADER_ROWS else -1), cells) for y in rows]

    def _strip(self, y: int, palette: Palette, cells: int) -> Strip:
        """One line, also below the scrollbar that lies over its last cell."""
        line, known = self._painted.get(y, ()), self._strips.get(y)
        if known is not None and known[0] is line and known[1] is palette:
            return known[2]
        strip = palette.strip(line, cells)
        self._strips[y] = line, palette, strip
        return strip

    def _palette(self, index: int) -> Palette:
        """The colours of a row; the selected one and the one under the pointer have others."""
        name = ""
        if index == self._deck.selected_index and self._rows:
            name = "containers-table--cursor" if self.has_focus else "containers-table--blurred"
        elif index == self._hovered:
            name = "containers-table--hover"
        if name not in self._palettes:
            self._palettes[name] = Palette(self, self.get_visual_style(*filter(None, [name])))
        return self._palettes[name]

    def _lines(self) -> list[Line]:
        """All that is in sight."""
        columns, now_unix_ns = self.columns_in_sight, time.time_ns()
        lines = [table.header(columns, self._deck.order, self._deck.is_reversed)]
        drawn: dict[str, _Drawn] = {}
        for place, row in enumerate(self._rows_in_sight, self.scroll_offset.y):
            selected = place == self._deck.selected_index
            if isinstance(row, Heading):
                lines.append(table.heading(row, self._cells, selected=selected))
            else:
                of = self._row(row, now_unix_ns)
                drawn[row.id] = self._line(of, columns, self._drawn.get(row.id), selected=selected)
                lines.append(drawn[row.id].line)
        self._drawn = drawn
        return lines + [()] * (self.size.height - len(lines))

    def _line(
        self, row: table.Row, columns: tuple[table.Column, ...], known: _Drawn | None, *, selected: bool
    ) -> _Drawn:
        """A container's line; who moves the selection changes two, and the others needn't be drawn again."""
        snapshot = self._deck.snapshot
        of = (
            row.now_unix_ns // 1_000_000_000, snapshot.taken_unix_ns if snapshot is not None else 0,
            len(row.series.cpu_percent), row.pending, row.alarm, row.is_marked, columns, selected,
        )  # fmt: skip
        if known is not None and known.of == of and known.row.container is row.container:
            return known
        return _Drawn(of, row, table.row(row, columns, selected=selected))

    def _row(self, container: Container, now_unix_ns: int) -> table.Row:
        alarm = self._deck.alarms.of(container.id)
        return table.Row(
            container=container,
            sample=self._deck.sample(container.id),
            series=self._deck.history.of(container.id),
            now_unix_ns=now_unix_ns,
            pending=self._deck.pending.get(container.id, ""),
            alarm=alarm.action if alarm else None,
            is_marked=container.id in self._deck.marked,
        )

    def _index_at(self, y: int) -> int | None:
        index = y - _HEADER_ROWS + self.scroll_offset.y
        return index if y >= _HEADER_ROWS and index < len(self._rows) else None

    # --- moving ---

    def action_move(self, rows: int) -> None:
        """Move the selection."""
        self._deck.move(rows)
        self.post_message(SelectionMoved())

    def action_page(self, pages: int) -> None:
        """Move the selection by as many rows as are in sight."""
        self.action_move(pages * max(1, self.size.height - _HEADER_ROWS))

    def action_mark(self) -> None:
        """Mark the selected row, or take its mark, and go on to the next."""
        self._deck.mark()
        self.action_move(1)

    def action_mark_listed(self) -> None:
        """Mark every container that is listed, or none."""
        self._deck.mark_listed()
        self.post_message(SelectionMoved())

    def action_fold(self) -> None:
        """Fold the selected group, or unfold it."""
        self._deck.fold()
        self.post_message(SelectionMoved())

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer, or order rows by the title under it.

        A click with ctrl marks a row, and one on a heading folds it if it is selected already.
        """
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < _HEADER_ROWS:
            self._order_by(table.order_at(self.columns_in_sight, offset.x))
        index = self._index_at(offset.y)
        if index is not None:
            row, was_selected = self._rows[index], index == self._deck.selected_index
            self._deck.select(row.id)
            if isinstance(row, Heading) and was_selected:
                self._deck.fold()
            if event.ctrl:
                self._deck.mark()
            self.post_message(SelectionMoved())

    def _order_by(self, order: Order | None) -> None:
        """A second click on a title turns the order round, a third takes it back."""
        if order is None:
            return
        if order is not self._deck.order:
            self._deck.set_order(order)
        elif not self._deck.is_reversed:
            self._deck.set_order(order, is_reversed=True)
        else:
            self._deck.set_order(Order.AGE)
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
