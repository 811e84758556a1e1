"""Namespaces of the selected container, or of all with the host's."""

from __future__ import annotations

from enum import Enum

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.deck import Deck
from tui.drawing import namespace_forest, namespace_table, namespace_types, namespaces
from tui.drawing.lines import Line, Span, Tone, line
from tui.messages import SightChanged
from tui.widgets.drawn import Drawn


class NamespacePanel(VerticalScroll):
    """The selected container's namespaces, and its processes in them."""

    DEFAULT_CSS = """
    NamespacePanel { background: $background; height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        yield Drawn()

    def on_show(self) -> None:
        """Come into sight with what is true now."""
        self.app.post_message(SightChanged())

    def show(self, deck: Deck) -> None:
        """Paint the selected container."""
        if self.is_mounted and self.size:
            self.query_one(Drawn).show(self._lines(deck, max(20, self.size.width - 1)))

    def _lines(self, deck: Deck, width: int) -> list[Line]:
        container = deck.selected
        if container is None:
            return []
        if not container.is_running:
            return [line(Span("namespaces live as long as processes: this container has none", Tone.MUTED))]
        known = deck.namespaces_of(container.id)
        return namespaces.container_lines(known, width) if known else [line(Span("reading…", Tone.MUTED))]


class Arrangement(Enum):
    """How the machine's namespaces are shown; the values are titles."""

    CONTAINERS = "namespaces"
    KINDS = "namespaces by kind"
    EVERY = "every namespace of this machine"


class NamespaceForest(NamespacePanel):
    """Every running container's namespaces below the host's, all of the machine by kind, or a list of them.

    Attributes:
        arrangement: which of these.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.arrangement = Arrangement.CONTAINERS
        self._shown_id: str | None = None

    def show(self, deck: Deck) -> None:
        """Paint all, and bring a newly selected container into sight."""
        super().show(deck)
        is_by_container = self.arrangement is Arrangement.CONTAINERS and deck.namespaces is not None
        if self.size and is_by_container and deck.namespaces is not None and deck.selected_id != self._shown_id:
            self._shown_id = deck.selected_id
            y = namespace_forest.line_of(deck.namespaces, deck.selected_id, max(20, self.size.width - 1))
            self.call_after_refresh(self._bring_into_sight, y)

    def _bring_into_sight(self, y: int) -> None:
        self.scroll_to(y=0 if y < self.size.height // 2 else y - 2, animate=False)

    def _lines(self, deck: Deck, width: int) -> list[Line]:
        if self.arrangement is Arrangement.CONTAINERS and deck.namespaces is not None:
            return namespace_forest.forest_lines(deck.namespaces, deck.selected_id, width)
        if self.arrangement is Arrangement.CONTAINERS or deck.every_namespace is None:
            return [line(Span("reading…", Tone.MUTED))]
        name = deck.names.get(deck.selected_id or "")
        if self.arrangement is Arrangement.KINDS:
            return namespace_types.type_lines(deck.every_namespace, name, width)
        return namespace_table.table_lines(deck.every_namespace, name, width)
