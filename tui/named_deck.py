"""What the app knows of things that have names, such as networks: the latest list, and which one is selected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from tui.readings import Reading

Start = Callable[[Coroutine[object, object, None]], object]


class Named(Protocol):
    """Has a name that no other of its kind has."""

    @property
    def name(self) -> str:
        """The name."""


Thing = TypeVar("Thing", bound=Named)


class NamedDeck(Generic[Thing]):
    """The latest list of things of one kind; read while somebody looks.

    Args:
        read: lists them.
        order: what they are sorted by.
        seconds: so old may the list become.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.

    Attributes:
        all: None until they were read for the first time.
        selected_name: of the one that the cursor is on.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[tuple[Thing, ...]]],
        order: Callable[[Thing], Any],
        seconds: float,
        start: Start,
        changed: Callable[[], None],
    ) -> None:
        self._reading: Reading[tuple[Thing, ...]] = Reading(lambda _: read(), start, changed)
        self._order = order
        self._seconds = seconds
        self.all: tuple[Thing, ...] | None = None
        self.selected_name = ""
        self._expected_name = ""

    def look(self) -> None:
        """Somebody looks: read the list if it is too old; the selection stays on its thing, or on its place."""
        found = self._reading.look("", self._seconds)
        if found is None:
            return
        place = self.selected_index
        self.all = tuple(sorted(found, key=self._order))
        names = [thing.name for thing in self.all]
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
        """The place of the selected one; 0 when there is none."""
        names = [thing.name for thing in self.all or ()]
        return names.index(self.selected_name) if self.selected_name in names else 0

    @property
    def selected(self) -> Thing | None:
        """The selected one, if there is any."""
        return self.all[self.selected_index] if self.all else None

    def select(self, index: int) -> None:
        """Put the cursor on the one at a place, or at the nearest end."""
        if self.all:
            self.selected_name = self.all[max(0, min(len(self.all) - 1, index))].name

    def expect(self, name: str) -> None:
        """Read the list again, and select what has that name when it is there."""
        self._expected_name = name
        self.expire()

    def expire(self) -> None:
        """Something has happened to one of them."""
        self._reading.expire()
