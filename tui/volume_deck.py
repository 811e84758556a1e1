"""What the app knows of volumes: the latest list, which one is selected, and how much that one holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model.volume import Volume
from tui.named_deck import NamedDeck, Start
from tui.readings import Reading

if TYPE_CHECKING:
    from engine.engine import Engine

_SECONDS = 5.0
"""Another program may make one at any time, and nothing tells of it."""

_SIZE_SECONDS = 30.0
"""Every file of the volume is looked at for it."""


class VolumeDeck(NamedDeck[Volume]):
    """The volumes, those with a name first.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.

    Attributes:
        operations: the engine's verbs.
    """

    def __init__(self, engine: Engine, start: Start, changed: Callable[[], None]) -> None:
        self.operations = engine.volumes
        super().__init__(
            self.operations.list,
            lambda volume: (volume.is_anonymous, volume.name),
            _SECONDS,
            start,
            changed,
        )
        self._size: Reading[int] = Reading(self.operations.disk_bytes, start, changed)

    @property
    def selected_bytes(self) -> int | None:
        """What the selected volume takes on the disk; None until that is known."""
        return self._size.look(self.selected_name, _SIZE_SECONDS) if self.selected_name else None

    def expire(self) -> None:
        """Something has happened to a volume."""
        super().expire()
        self._size.expire()
