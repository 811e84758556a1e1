"""The wiring of all containers, as large as the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.screens.live_screen import LiveScreen
from tui.widgets.topology import TopologyPanel


class TopologyScreen(LiveScreen):
    """Uplink, bridges and containers; arrow keys go from link to link and light a container's way out."""

    HERE = "topology"
    CSS_PATH = "full_view.tcss"
    AUTO_FOCUS = "#view"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.go('containers')", "back", id="topology.back", tooltip="Back to the containers"),
    ]

    def compose_parts(self) -> ComposeResult:
        """One panel."""
        panel = TopologyPanel(id="view", folds=False)
        panel.border_title = "topology"
        yield panel

    @property
    def shows_topology(self) -> bool:
        """It shows nothing else."""
        return True

    def paint(self) -> None:
        """The wiring as it is now."""
        self.query_one(TopologyPanel).show(self.deck)
