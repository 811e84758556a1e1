"""The namespaces of all containers, as large as the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.deck import Deck
from tui.live import Sight
from tui.messages import SightChanged
from tui.screens.live_screen import LiveScreen
from tui.widgets.namespace_tree import Arrangement, NamespaceForest


class NamespacesScreen(LiveScreen):
    """The host's namespaces, and every container's with its processes; or all that the machine has."""

    HERE = "namespaces"
    CSS_PATH = "full_view.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll(-1)", "page up", id="namespaces.page_up", show=False, tooltip="A page up"),
        Binding("pagedown", "scroll(1)", "page down", id="namespaces.page_down", show=False, tooltip="A page down"),
        Binding("a", "every", "all", id="namespaces.every", tooltip="All namespaces of the machine, and back"),
        Binding("v", "kinds", "by kind", id="namespaces.kinds", tooltip="By kind, with what each is, and back"),
        Binding(
            "equals_sign",
            "app.compare_namespaces",
            "compare",
            id="namespaces.compare",
            tooltip="With the host's, or another container's, side by side",
        ),
        Binding(
            "enter",
            "app.visit",
            "go in",
            id="namespaces.enter",
            tooltip="A shell in its namespaces but not its cgroup, on the whole terminal",
        ),
        Binding("escape", "app.go('containers')", "back", id="namespaces.back", tooltip="Back to the containers"),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._forest = NamespaceForest(id="view")  # here, since it is asked for what is in sight before it is mounted
        self._forest.can_focus = False
        self._forest.border_title = "namespaces"

    def compose_parts(self) -> ComposeResult:
        """One panel."""
        yield self._forest

    @property
    def shows_namespaces(self) -> Sight:
        """Those of containers, or all."""
        return Sight.CONTAINERS if self._forest.arrangement is Arrangement.CONTAINERS else Sight.EVERY

    def paint(self) -> None:
        """The tree as it is now."""
        self._forest.show(self.deck)

    def action_every(self) -> None:
        """Containers in the host, or all namespaces of the machine."""
        self._arrange(Arrangement.EVERY)

    def action_kinds(self) -> None:
        """Containers in the host, or all namespaces by kind."""
        self._arrange(Arrangement.KINDS)

    def _arrange(self, wanted: Arrangement) -> None:
        """Show them so, or again by container."""
        view = self._forest
        view.arrangement = Arrangement.CONTAINERS if view.arrangement is wanted else wanted
        view.border_title = view.arrangement.value
        view.scroll_to(y=0, animate=False)
        self.app.post_message(SightChanged())
        self.paint()

    def action_scroll(self, pages: int) -> None:
        """Move the view."""
        self._forest.scroll_relative(y=pages * max(1, self._forest.size.height - 2), animate=False)
