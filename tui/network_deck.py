"""What the app knows of networks: the latest list, and which one is selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model import Network
from tui.named_deck import NamedDeck, Start

if TYPE_CHECKING:
    from engine.connections import ConnectedNetworks
    from engine.engine import Engine

_SECONDS = 5.0
"""Events tell of networks that are made and removed; what is exchanged in them isn't told."""


class NetworkDeck(NamedDeck[Network]):
    """The networks, the default one first.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.
    """

    def __init__(self, engine: Engine, start: Start, changed: Callable[[], None]) -> None:
        self._engine = engine
        super().__init__(
            self._read,
            lambda network: (network.name != "bridge", network.name),
            _SECONDS,
            start,
            changed,
        )

    async def _read(self) -> tuple[Network, ...]:
        return await self.operations.list()

    @property
    def operations(self) -> ConnectedNetworks:
        """The engine's verbs."""
        return self._engine.networks  # asked for late: the engine imports what they take at their first use
