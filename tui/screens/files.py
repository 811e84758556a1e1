"""A container's files: which layer each comes from, and what it has changed itself, as it changes it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.model import Container
from tui.deck import Deck
from tui.exploration import Exploration
from tui.screens.live_screen import LiveScreen
from tui.widgets.explorer import Explorer


class FilesScreen(LiveScreen):
    """The layer explorer as large as the screen, on the layers of one container with its own on top.

    Args:
        container: whose files.
        exploration: of its layers.
    """

    CSS_PATH = "images.tcss"
    AUTO_FOCUS = "#file-tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "explore", "files", id="files.explore", show=False, tooltip="From the layers to the files"),
        Binding("escape", "back", "back", id="files.back", tooltip="End the filter; back to the containers"),
        Binding("f", "app.go('containers')", "back", id="files.leave", show=False, tooltip="Back to the containers"),
    ]

    def __init__(self, deck: Deck, container: Container, exploration: Exploration) -> None:
        super().__init__(deck)
        self.HERE = f"files of {container.name}"
        self._exploration = exploration
        self._explorer = Explorer(id="explorer")

    def compose_parts(self) -> ComposeResult:
        """Nothing else."""
        yield self._explorer

    def on_mount(self) -> None:
        """Begin to read."""
        self.paint_all()

    def on_unmount(self) -> None:
        """Nobody wants to know any more."""
        self._exploration.cancel()

    def paint(self) -> None:
        """Layers and files as they are now."""
        self._explorer.show(self._exploration)

    def action_explore(self) -> None:
        """From layers to files."""
        self._explorer.focus_files()

    async def action_back(self) -> None:
        """End the filter, then the screen."""
        if not self._explorer.end_filter():
            await self.app.run_action("app.go('containers')")
