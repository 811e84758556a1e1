"""What the app knows of networks: the latest list, and which one is selected."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from engine.model import Network
from tui.readings import Reading

if TYPE_CHECKING:
    from engine.engine import Engine

_SECONDS = 5.0
"""Events tell of networks that are made and removed; what is exchanged in them isn't told."""


class NetworkDeck:
    """The latest of everything about networks; read while somebody looks.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.

    Attributes:
        operations: the engine's verbs.
        networks: None until they were read for the first time; the default one first.
        selected_name: of the network that the cursor is on.
    """

    def __init__(
        self, engine: Engine, start: Callable[[Coroutine[object, object, None]], object], changed: Callable[[], None]
    ) -> None:
        self.operations = engine.networks
        self._reading: Reading[tuple[Network, ...]] = Reading(lambda _: self.operations.list(), start, changed)
        self.networks: tuple[Network, ...] | None = None
        self.selected_name = ""
        self._expected_name = ""

    def look(self) -> None:
        """Somebody looks: read the list if it is too old; the selection stays on its network, or on its place."""
        found = self._reading.look("", _SECONDS)
        if found is None:
            return
        place = self.selected_index
        self.networks = tuple(sorted(found, key=lambda network: (network.name != "bridge", network.name)))
        names = [network.name for network in self.networks]
        if self._expected_name in names:
            self.selected_name, self._expected_name = self._expected_name, ""
        if self.selected_name not in names:
            self.selected_name = names[min(place, len(names) - 1)] if names else ""

    @property
    def error(self) -> str:
        """Why the list can't be read; empty otherwise."""
        return self._reading.error

    @property
    def selected_index(self) -> int:
        """The place of the selected network; 0 when there is none."""
        names = [network.name for network in self.networks or ()]
        return names.index(self.selected_name) if self.selected_name in names else 0

    @property
    def selected(self) -> Network | None:
        """The selected network, if there is one."""
        return self.networks[self.selected_index] if self.networks else None

    def expect(self, name: str) -> None:
        """Read the list again, and select a network when it is there."""
        self._expected_name = name
        self.expire()

    def expire(self) -> None:
        """Something has happened to a network."""
        self._reading.expire()
