"""What all full screens have in common: the bars, and painting when there's news."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from engine.model import State
from tui.deck import Deck
from tui.live import Sight
from tui.messages import DeckChanged
from tui.screen_frames import ScreenFrames
from tui.widgets.key_bar import KeyBar
from tui.widgets.still import Still
from tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from tui.widgets.topology import TopologyPanel

_WIDTHS = [(0, "-narrow"), (112, "-normal"), (160, "-wide")]
_HEIGHTS = [(0, "-low"), (30, "-medium"), (46, "-high")]
"""Classes by columns and rows, for style sheets."""


class LiveScreen(Screen[None], Still):
    """A screen that paints what the deck holds.

    Attributes:
        HERE: its name in the top bar.
        ACTS_ON_CONTAINERS: whether keys that act on the selected container do so here: it should be in sight.
    """

    HERE: str = ""
    ACTS_ON_CONTAINERS: ClassVar[bool] = True
    ALLOW_IN_MAXIMIZED_VIEW = "KeyBar"
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next panel", id="select.panel", show=False, tooltip="The next panel"),
        Binding(
            "shift+tab",
            "app.focus_previous",
            "previous panel",
            id="select.panel_before",
            show=False,
            tooltip="The panel before",
        ),
        Binding("up,k", "select(-1)", "up", id="select.previous", show=False, tooltip="Select the container above"),
        Binding("down,j", "select(1)", "down", id="select.next", show=False, tooltip="Select the container below"),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self._key_state: tuple[bool, State | None] | None = None
        self._was_seen = False
        self._frames = ScreenFrames(self, self._on_timer_update)

    @property
    def _update_timer(self) -> ScreenFrames:  # type: ignore[override]  # all of Textual's timer that Textual uses
        return self._frames

    def compose(self) -> ComposeResult:
        """The bars, with the screen's own parts between them."""
        yield TopBar(self.HERE)
        yield from self.compose_parts()
        yield KeyBar()

    def compose_parts(self) -> ComposeResult:
        """The screen's own parts."""
        yield from ()

    def paint(self) -> None:
        """Show what the deck holds, in the screen's own parts."""

    @property
    def shows_namespaces(self) -> Sight:
        """Which namespaces are in sight, so that they need to be read."""
        return Sight.NONE

    @property
    def shows_topology(self) -> bool:
        """Whether the wiring is in sight, so that it needs to be read."""
        return False

    def on_deck_changed(self, message: DeckChanged) -> None:
        """News."""
        self.paint_all()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Back in sight: catch up. What has just been made has its styles already."""
        event.refresh_styles, self._was_seen = self._was_seen, True
        self.paint_all()
        self.call_after_refresh(self.paint_all)

    def on_resize(self) -> None:
        """Other sizes, other drawings."""
        self.call_after_refresh(self.paint_all)

    def paint_all(self) -> None:
        """Paint bars and parts."""
        if self.is_mounted:
            self.query_one(TopBar).show(self.deck)
            self.paint_selection()

    def paint_selection(self) -> None:
        """Paint what can be otherwise when another row is selected: all but the top bar."""
        self.paint()
        self._follow_keys()

    def _follow_keys(self) -> None:
        """Which keys mean something depends on the selected container."""
        selected = self.deck.selected
        state = (self.deck.is_empty, selected.state if selected else None)
        if state != self._key_state:
            self._key_state = state
            self.refresh_bindings()

    def on_topology_panel_moved(self) -> None:
        """Another link of the wiring; it may lead to another container."""
        self.paint_all()

    def on_topology_panel_opened(self, message: TopologyPanel.Opened) -> None:
        """More is to be told of a link."""
        from tui.screens.link_facts import LinkFacts  # at its first use: it costs start-up time

        self.app.push_screen(LinkFacts(self.deck, message.end))

    def action_select(self, rows: int) -> None:
        """Move the selection, wherever the focus is."""
        self.deck.move(rows)
        self.paint_selection()
