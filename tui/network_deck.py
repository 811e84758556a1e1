"""What the app knows of networks: the latest list, and which one is selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model import Network
from tui.named_deck import NamedDeck, Start

if TYPE_CHECKING:
    from engine.engine import Engine

_SECONDS = 5.0
"""Events tell of networks that are made and removed; what is exchanged in them isn't told."""


class NetworkDeck(NamedDeck[Network]):
    """The networks, the default one first.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.

    Attributes:
        operations: the engine's verbs.
    """

    def __init__(self, engine: Engine, start: Start, changed: Callable[[], None]) -> None:
        self.operations = engine.networks
        super().__init__(
            self.operations.list,
            lambda network: (network.name != "bridge", network.name),
            _SECONDS,
            start,
            changed,
        )
