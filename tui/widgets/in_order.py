"""Keys that are typed faster than an app paints, where one of them opens a field or goes to another list."""

from __future__ import annotations

from textual import events
from textual.widget import Widget

_MOVES_THE_FOCUS = frozenset({"filter", "explore"})


class InOrder(Widget):
    """A list from which keys lead to a field or to another list: what is typed after such a key lands there.

    Textual runs what a key is bound to only after the key has travelled up to the app. Letters that were typed after it
    would be taken for commands meanwhile. Such actions set the focus at once, by the screen.

    It takes style sheets from the first base alone, so this one comes last.
    """

    async def on_key(self, event: events.Key) -> None:
        """Go there as soon as the key's turn comes; send what was typed after it there, too."""
        focused = self.screen.focused
        if focused is not None and focused is not self:
            focused.post_message(events.Key(event.key, event.character))
        elif (active := self.screen.active_bindings.get(event.key)) and active.binding.action in _MOVES_THE_FOCUS:
            await self.app.run_action(active.binding.action, default_namespace=active.node)
        else:
            return
        event.stop()
        event.prevent_default()
