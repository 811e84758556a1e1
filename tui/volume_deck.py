"""What the app knows of volumes: the latest list, which one is selected, and how much that one holds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from engine.model.volume import Volume
from tui.readings import Reading

if TYPE_CHECKING:
    from engine.engine import Engine

_SECONDS = 5.0
"""Another program may make one at any time, and nothing tells of it."""

_SIZE_SECONDS = 30.0
"""Every file of the volume is looked at for it."""


class VolumeDeck:
    """The latest of everything about volumes; read while somebody looks.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.

    Attributes:
        operations: the engine's verbs.
        volumes: None until they were read for the first time; those with a name first.
        selected_name: of the volume that the cursor is on.
    """

    def __init__(
        self, engine: Engine, start: Callable[[Coroutine[object, object, None]], object], changed: Callable[[], None]
    ) -> None:
        self.operations = engine.volumes
        self._reading: Reading[tuple[Volume, ...]] = Reading(lambda _: self.operations.list(), start, changed)
        self._size: Reading[int] = Reading(self.operations.disk_bytes, start, changed)
        self.volumes: tuple[Volume, ...] | None = None
        self.selected_name = ""

    def look(self) -> None:
        """Somebody looks: read the list if it is too old; the selection stays on its volume, or on its place."""
        found = self._reading.look("", _SECONDS)
        if found is None:
            return
        place = self.selected_index
        self.volumes = tuple(sorted(found, key=lambda volume: (volume.is_anonymous, volume.name)))
        names = [volume.name for volume in self.volumes]
        if self.selected_name not in names:
            self.selected_name = names[min(place, len(names) - 1)] if names else ""

    @property
    def error(self) -> str:
        """Why the list can't be read; empty otherwise."""
        return self._reading.error

    @property
    def selected_index(self) -> int:
        """The place of the selected volume; 0 when there is none."""
        names = [volume.name for volume in self.volumes or ()]
        return names.index(self.selected_name) if self.selected_name in names else 0

    @property
    def selected(self) -> Volume | None:
        """The selected volume, if there is one."""
        return self.volumes[self.selected_index] if self.volumes else None

    @property
    def selected_bytes(self) -> int | None:
        """What the selected volume takes on the disk; None until that is known."""
        return self._size.look(self.selected_name, _SIZE_SECONDS) if self.selected_name else None

    def expect(self, name: str) -> None:
        """Read the list again, and select a volume when it is there."""
        self.selected_name = name
        self.expire()

    def expire(self) -> None:
        """Something has happened to a volume."""
        self._reading.expire()
        self._size.expire()
