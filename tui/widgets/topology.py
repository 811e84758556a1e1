"""The wiring of the machine, as a panel that scrolls, with a cursor that goes from link to link."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.message import Message

from tui.deck import Deck
from tui.drawing import topology
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.topology_spots import Spot, Target
from tui.messages import SightChanged
from tui.widgets.drawn import Drawn

_LEAST_ROWS = 12
"""With fewer, only the selected container's way out is drawn."""


class TopologyPanel(VerticalScroll):
    """Uplink, bridges and containers, the selected one's way out lit.

    Args:
        folds: whether it draws less where there is little room, as beside a list.
    """

    DEFAULT_CSS = """
    TopologyPanel { background: $background; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "previous", id="topology.previous", show=False, tooltip="Another link"),
        Binding("right", "step(1)", "next", id="topology.next", show=False, tooltip="Another link"),
        Binding("up,k", "row(-1)", "up", id="topology.up", show=False, tooltip="A link above or below"),
        Binding("down,j", "row(1)", "down", id="topology.down", show=False, tooltip="A link above or below"),
        Binding("enter", "open_link", "details", id="topology.open", tooltip="What the kernel knows of a link or port"),
        Binding("space", "fold", "fold", id="topology.fold", tooltip="A line for each container, or a box"),
    ]

    class Moved(Message):
        """The cursor is on another link; the deck knows if it leads to a container."""

    class Opened(Message):
        """More is to be told of a link or port."""

        def __init__(self, end: Target) -> None:
            super().__init__()
            self.end = end

    def __init__(self, *, id: str | None = None, can_focus: bool = True, folds: bool = True) -> None:
        super().__init__(id=id, can_focus=can_focus)
        self._folds = folds
        self._deck: Deck | None = None
        self._shown_id: str | None = None
        self._shown_size = Size()
        self._shown: topology.View | None = None
        self._drawing = topology.Drawing(lines=[], spots=())
        self._is_dense: bool | None = None
        self.cursor: Target | None = None

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        yield Drawn()

    def on_show(self) -> None:
        """Come into sight with what is true now."""
        self.app.post_message(SightChanged())

    def show(self, deck: Deck) -> None:
        """Paint the wiring as it is now."""
        self._deck = deck
        if not (self.is_mounted and self.size):
            return
        has_moved = (deck.selected_id, self.size) != (self._shown_id, self._shown_size) and deck.topology is not None
        lines = self._lines(deck, max(30, self.size.width - 1))
        if has_moved:
            self._shown_id, self._shown_size = deck.selected_id, self.size
            spots = (each for each in self._drawing.spots if not each.is_port)
            spot = next((each for each in spots if each.container_id == deck.selected_id), None)
            if spot is not None and not self._is_at_selected(deck):
                self.cursor = spot.end
                lines = self._lines(deck, max(30, self.size.width - 1))
        self.query_one(Drawn).show(lines)
        if has_moved:
            self.call_after_refresh(self._bring_into_sight)

    def _is_at_selected(self, deck: Deck) -> bool:
        spot = self._spot
        return spot is not None and spot.container_id == deck.selected_id

    def _lines(self, deck: Deck, width: int) -> list[Line]:
        if deck.topology is None:
            return [line(Span("reading…", Tone.MUTED))]
        if self._folds and self.size.height < _LEAST_ROWS and deck.selected is not None:
            return topology.path_lines(deck.topology, deck.selected, width)
        view = topology.View(
            topology=deck.topology,
            selected_id=deck.selected_id,
            off_bridge=deck.off_the_bridges(),
            width=width,
            cursor=self.cursor if self.can_focus else None,
            is_dense=self._is_dense,
        )
        if view != self._shown:
            self._shown, self._drawing = view, topology.topology_drawing(view)
        return self._drawing.lines

    # --- the cursor ---

    @property
    def _spot(self) -> Spot | None:
        return next((spot for spot in self._drawing.spots if spot.end == self.cursor), None)

    def go_to(self, end: Target) -> None:
        """Put the cursor on a device or port."""
        self.cursor = end
        spot = self._spot
        if self._deck is None:
            return
        if spot is not None and spot.container_id is not None and spot.container_id in self._deck.names:
            self._deck.select(spot.container_id)
            self._shown_id = self._deck.selected_id
        self.show(self._deck)
        self._bring_into_sight()
        self.post_message(self.Moved())

    def action_step(self, steps: int) -> None:
        """The link before or after, in reading order."""
        spots = self._drawing.spots
        here = self._spot
        place = spots.index(here) + steps if here is not None else 0
        if spots:
            self.go_to(spots[max(0, min(len(spots) - 1, place))].end)

    def action_row(self, steps: int) -> None:
        """The nearest link in the next row up or down."""
        here = self._spot
        if here is None:
            self.action_step(steps)
            return
        beyond = [spot for spot in self._drawing.spots if (spot.y - here.y) * steps > 0]
        if beyond:
            nearest = min(abs(spot.y - here.y) for spot in beyond)
            row = [spot for spot in beyond if abs(spot.y - here.y) == nearest]
            self.go_to(min(row, key=lambda spot: abs(spot.x - here.x)).end)

    def action_open_link(self) -> None:
        """Tell more of the link under the cursor."""
        if (spot := self._spot) is not None:
            self.post_message(self.Opened(spot.end))

    def action_fold(self) -> None:
        """Lines where boxes are drawn, and the other way round."""
        rows = [spot.height for spot in self._drawing.spots if spot.container_id is not None]
        self._is_dense = any(height > 1 for height in rows)
        if self._deck is not None:
            self.show(self._deck)
            self.call_after_refresh(self._bring_into_sight)

    def on_click(self, event: events.Click) -> None:
        """Go to what is under the pointer; a second click tells more of it."""
        offset = event.get_content_offset(self.query_one(Drawn))
        if offset is None:
            return
        spots = [spot for spot in self._drawing.spots if spot.holds(offset.x, offset.y)]
        if spots:
            chosen = min(spots, key=lambda spot: spot.width * spot.height).end
            if chosen == self.cursor:
                self.action_open_link()
            else:
                self.go_to(chosen)

    def _bring_into_sight(self) -> None:
        spot, height = self._spot, self.size.height
        if spot is None:
            return
        top = self.scroll_offset.y
        if spot.y < top + 1 or spot.y + spot.height > top + height - 1:
            y = 0 if spot.y + spot.height < height else max(0, spot.y + spot.height // 2 - height // 2)
            self.scroll_to(y=y, animate=False)
