"""A field that proposes names while one types, in a list that drops down from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui.widgets.field import Field

_MOST_ROWS = 8


class Proposals(Static):
    """The list; it lies over what is below the field and takes no room.

    Attributes:
        names: those that are proposed; none hides it.
        lit: the place of the one that enter takes; None for none.
    """

    DEFAULT_CSS = """
    Proposals {
        overlay: screen;
        constrain: none inside;
        width: auto;
        max-width: 60;
        height: auto;
        margin-left: 18;
        background: $panel;
        border-left: outer $border-focus;
        display: none;
    }
    """

    def __init__(self, field: ProposingField) -> None:
        super().__init__(markup=False)
        self._field = field
        self.names: Sequence[str] = ()
        self.lit: int | None = None

    def offer(self, names: Sequence[str]) -> None:
        """Show names, none of them lit."""
        self.names, self.lit = names[:_MOST_ROWS], None
        self.display = bool(self.names)
        self._draw()

    def move(self, steps: int) -> None:
        """Light a neighbour; above the first there is the field itself."""
        place = (-1 if self.lit is None else self.lit) + steps
        self.lit = None if place < 0 else min(place, len(self.names) - 1)
        self._draw()

    def _draw(self) -> None:
        widest = max(map(len, self.names), default=0)
        rows = []
        for place, name in enumerate(self.names):
            is_lit = place == self.lit
            style = "bold $foreground on $cursor" if is_lit else "$muted"
            rows.append(Content.assemble((f"{'▸' if is_lit else ' '} {name:<{widest}} ", style)))
        self.update(Content("\n").join(rows))

    def on_click(self, event: events.Click) -> None:
        """A click takes a name."""
        event.stop()
        if 0 <= event.y < len(self.names):
            self._field.take(self.names[event.y])


class ProposingField(Field):
    """While the list is there, up and down go through it, enter takes what is lit, and escape puts it away.

    Args:
        names: what is proposed: what contains the typed text, what begins with it first.
    """

    def __init__(self, text: str, names: Sequence[str], **keywords: Any) -> None:
        super().__init__(text, suggester=SuggestFromList(names), **keywords)
        self._names = names
        self._settled = text
        self.proposals = Proposals(self)

    def propose(self, names: Sequence[str]) -> None:
        """Propose others."""
        self._names, self.suggester = names, SuggestFromList(names)

    def take(self, name: str) -> None:
        """Have a name in the field."""
        self._settled = self.value = name
        self.cursor_position = len(name)
        self.proposals.offer(())
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Propose what fits."""
        if self.has_focus and event.value != self._settled:
            self._settled = ""
            self.proposals.offer(fitting(event.value, self._names))

    def on_blur(self) -> None:
        """What is typed elsewhere isn't meant for the list."""
        self.proposals.offer(())

    async def on_key(self, event: events.Key) -> None:
        """Keys for the list, while it is there."""
        listed = self.proposals
        if listed.names and event.key in ("down", "up") and (event.key == "down" or listed.lit is not None):
            self._take(event)
            listed.move(1 if event.key == "down" else -1)
        elif listed.names and event.key == "enter" and listed.lit is not None:
            self._take(event)
            self.take(listed.names[listed.lit])
        elif listed.names and event.key == "escape":
            self._take(event)
            listed.offer(())
        else:
            await super().on_key(event)


def fitting(text: str, names: Sequence[str]) -> list[str]:
    """Names that contain a text, those that begin with it first; none where it is one of them."""
    wanted = text.casefold()
    if not wanted or text in names:
        return []
    found = [name for name in names if wanted in name.casefold()]
    return sorted(found, key=lambda name: not name.casefold().startswith(wanted))
