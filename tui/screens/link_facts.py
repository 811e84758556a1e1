"""What the kernel knows of one device and of the other end of its pair, or of a port, followed while looked at."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from engine.model import PortMap
from tui.deck import Deck
from tui.drawing import link_facts, port_facts
from tui.drawing.topology_spots import Target
from tui.widgets.drawn import Drawn

_SECONDS = 0.5


class LinkFacts(ModalScreen[None]):
    """Addresses, MTU, counters, errors, peer.

    Args:
        deck: has the latest topology.
        end: the device, or a published port.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", id="facts.close", tooltip="Close"),
    ]

    def __init__(self, deck: Deck, end: Target) -> None:
        super().__init__()
        self._deck, self._end = deck, end

    def compose(self) -> ComposeResult:
        """One column, scrolled."""
        with VerticalScroll(classes="dialog", id="link") as dialog:
            dialog.border_subtitle = "esc closes"
            yield Drawn(id="link-facts")

    def on_mount(self) -> None:
        """Show it, and what becomes of it."""
        self._show()
        self.set_interval(_SECONDS, self._show)

    def _show(self) -> None:
        if (topology := self._deck.topology) is not None:
            if isinstance(self._end, PortMap):
                title, facts = port_facts.title(topology, self._end), port_facts.facts(topology, self._end)
            else:
                title, facts = link_facts.title(topology, self._end), link_facts.facts(topology, self._end)
            self.query_one("#link").border_title = title
            self.query_one("#link-facts", Drawn).show(facts)
