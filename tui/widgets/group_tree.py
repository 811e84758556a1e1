"""The tree of control groups, with a cursor that is the selected container wherever it can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.model import CgroupNode
from tui.deck import Deck
from tui.drawing import group_tree
from tui.drawing.group_tree import Branch
from tui.drawing.lines import Line, Span, Tone, line
from tui.messages import SelectionMoved
from tui.widgets.direct import Direct
from tui.widgets.palette import Palette, bands

_SECONDS = 2.0
"""Between two looks: every group has a dozen of files."""

_HEADER_ROWS = 1


class GroupTree(ScrollView, Direct, can_focus=True, inherit_bindings=False):
    """One line a control group; only lines that changed are painted again."""

    DEFAULT_CSS = """
    GroupTree {
        background: $background;
        scrollbar-size-horizontal: 0;
        & > .group-tree--cursor { background: $cursor; }
        & > .group-tree--blurred { background: $cursor 55%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"group-tree--cursor", "group-tree--blurred"}
    """
    | Class | Description |
    | :- | :- |
    | `group-tree--cursor` | The line under the cursor. |
    | `group-tree--blurred` | The same while another panel has the focus. |
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="groups.up", show=False, tooltip="Another control group"),
        Binding("down,j", "move(1)", "down", id="groups.down", show=False, tooltip="Another control group"),
        Binding("pageup", "page(-1)", "page up", id="groups.page_up", show=False, tooltip="A page up or down"),
        Binding("pagedown", "page(1)", "page down", id="groups.page_down", show=False, tooltip="A page up or down"),
        Binding("home,g", "move(-1000000)", "first", id="groups.first", show=False, tooltip="The first or the last"),
        Binding("end,G", "move(1000000)", "last", id="groups.last", show=False, tooltip="The first or the last"),
        Binding("enter", "open", "open", id="groups.open", tooltip="Go to the container whose control group it is"),
    ]

    class Opened(Message):
        """A person wants to see a container."""

        def __init__(self, container_id: str) -> None:
            super().__init__()
            self.container_id = container_id

    def __init__(self, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._deck = deck
        self._branches: list[Branch] = []
        self._cursor = 0
        self._tree: CgroupNode | None = None
        self._painted: dict[int, Line] = {}
        self._palettes: dict[str, Palette] = {}
        self._followed_id: str | None = None

    # --- news ---

    def show(self) -> None:
        """Look at the tree anew, and paint what differs."""
        readings = self._deck.readings
        tree = readings.groups.look("", _SECONDS) if readings is not None else None
        if tree is not None and tree is not self._tree:
            self._tree, self._branches = tree, group_tree.branches(tree)
        self._follow()
        size = Size(self._cells, len(self._branches) + _HEADER_ROWS)
        if size != self.virtual_size:
            self.virtual_size = size
            self._painted.clear()
        changed = [y for y in range(self.size.height) if self._painted.get(y) != self._line(y)]
        if changed:
            self.refresh(*bands(changed, self.size))

    def notify_style_update(self) -> None:
        """Look at the colours again before the next paint."""
        super().notify_style_update()
        self._palettes.clear()

    @property
    def footnote(self) -> Line:
        """What marks in the tree mean."""
        return group_tree.footnote(self._branches)

    @property
    def _cells(self) -> int:
        return self.scrollable_content_region.width

    def _follow(self) -> None:
        """Put the cursor on the selected container when another one was selected, and keep it within the tree."""
        wanted = self._deck.selected_id
        self._cursor = max(0, min(self._cursor, len(self._branches) - 1))
        if wanted == self._followed_id or not self._branches:
            return
        self._followed_id = wanted
        for index, branch in enumerate(self._branches):
            if branch.node.container_id and branch.node.container_id == wanted:
                self._cursor = index
                self._keep_in_sight()
                return

    def _keep_in_sight(self) -> None:
        room, top = self.size.height - _HEADER_ROWS, self.scroll_offset.y
        wanted = min(self._cursor, top) if self._cursor < top else max(top, self._cursor - room + 1)
        if room > 0 and wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now."""
        self._painted.clear()
        self.show()

    # --- painting ---

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """The titles and groups, also below the scrollbar that lies over their last cell."""
        cells = self.size.width
        for y in rows:
            self._painted[y] = self._line(y)
        return [self._palette(self._index_at(y)).strip(self._painted[y], cells) for y in rows]

    def _palette(self, index: int | None) -> Palette:
        """The colours of a line; the one under the cursor has others."""
        name = ""
        if index is not None and index == self._cursor:
            name = "group-tree--cursor" if self.has_focus else "group-tree--blurred"
        if name not in self._palettes:
            self._palettes[name] = Palette(self, self.get_visual_style(*filter(None, [name])))
        return self._palettes[name]

    def _line(self, y: int) -> Line:
        if y < _HEADER_ROWS:
            return group_tree.header(self._cells)
        if not self._branches and y == _HEADER_ROWS:
            error = self._deck.readings.groups.error if self._deck.readings is not None else ""
            return line(Span(error or "reading…", Tone.MUTED))
        index = self._index_at(y)
        if index is None:
            return ()
        return group_tree.branch_line(self._branches[index], self._cells, is_selected=index == self._cursor)

    def _index_at(self, y: int) -> int | None:
        index = y - _HEADER_ROWS + self.scroll_offset.y
        return index if y >= _HEADER_ROWS and index < len(self._branches) else None

    # --- moving ---

    def action_move(self, rows: int) -> None:
        """Move the cursor; a container under it is selected."""
        if self._branches:
            self._go_to(max(0, min(len(self._branches) - 1, self._cursor + rows)))

    def action_page(self, pages: int) -> None:
        """Move the cursor by as many lines as are in sight."""
        self.action_move(pages * max(1, self.size.height - _HEADER_ROWS))

    def action_open(self) -> None:
        """Go to the container under the cursor."""
        container_id = self._branches[self._cursor].node.container_id if self._branches else ""
        if container_id:
            self.post_message(self.Opened(container_id))

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one goes there."""
        offset = event.get_content_offset(self)
        index = self._index_at(offset.y) if offset is not None else None
        if index is None:
            return
        is_second = index == self._cursor and event.chain > 1
        self._go_to(index)
        if is_second:
            self.action_open()

    def _go_to(self, index: int) -> None:
        self._cursor = index
        if container_id := self._branches[index].node.container_id:
            self._deck.select(container_id)
            self._followed_id = self._deck.selected_id
        self._keep_in_sight()
        self.refresh()
        self.post_message(SelectionMoved())
