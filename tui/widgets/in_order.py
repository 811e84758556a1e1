"""Keys that are typed faster than an app paints, where one of them opens a field."""

from __future__ import annotations

from textual import events
from textual.widget import Widget

_OPENS_A_FIELD = "filter"


class InOrder(Widget):
    """A list from which a field is opened: what is typed after the key that does so lands in the field.

    Textual runs what a key is bound to only after the key has travelled up to the app. Letters that were typed after it
    would be taken for commands meanwhile. It takes style sheets from the first base alone, so this one comes last.
    """

    async def on_key(self, event: events.Key) -> None:
        """Open the field as soon as the key's turn comes; send letters after the focus when it has gone there."""
        focused = self.screen.focused
        if focused is not None and focused is not self:
            focused.post_message(events.Key(event.key, event.character))
        elif (active := self.screen.active_bindings.get(event.key)) and active.binding.action == _OPENS_A_FIELD:
            await self.app.run_action(active.binding.action, default_namespace=active.node)
        else:
            return
        event.stop()
        event.prevent_default()
