"""An app that knows images, volumes and networks, beside containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.model import Config
from tui.container_actions import ContainerActions
from tui.drawing.image_rows import name_of
from tui.image_deck import ImageDeck
from tui.image_operations import ImageOperations
from tui.network_deck import NetworkDeck
from tui.pulls import Pull, PullState
from tui.volume_deck import VolumeDeck

if TYPE_CHECKING:
    from engine.engine import Engine


class ImageActions(ContainerActions):
    """What keys do to images, and to the files of containers.

    Attributes:
        images: what is known of images at this moment.
        image_operations: the engine's verbs for them.
        volumes: what is known of volumes at this moment, and the engine's verbs for them.
        networks: the same of networks.
    """

    def __init__(self, engine: Engine, config: Config) -> None:
        super().__init__(engine, config)
        self.images = ImageDeck(engine, self._beside, self.paint, self._pull_ended)
        self.image_operations = ImageOperations(engine)
        self.volumes = VolumeDeck(engine, self._beside, self.paint)
        self.networks = NetworkDeck(engine, self._beside, self.paint)

    def _pull_ended(self, pull: Pull) -> None:
        """Say what came of it, whichever screen is in sight."""
        self.images.expire()
        if pull.image is not None:
            self.images.expect(pull.image.id)
            self.notify(f"{name_of(pull.image)} was pulled", markup=False)
        elif pull.state is PullState.FAILED:
            self.notify(pull.error, severity="error", timeout=8, markup=False)
        self.screen.refresh_bindings()

    def action_files(self) -> None:
        """The files of the selected container."""
        from tui.screens.files import FilesScreen  # at its first use: it costs start-up time

        if container := self.deck.selected:
            self.return_to_containers()
            self.push_screen(FilesScreen(self.deck, container, self.images.exploration_of(container)))
