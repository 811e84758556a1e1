"""A field for text that keeps to the order in which keys were typed."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

_OTHER_FIELDS = {"tab": 1, "down": 1, "shift+tab": -1, "up": -1}


class Field(Input):
    """An input for people and programs that type faster than an app paints.

    Textual runs what a key is bound to only after the key has travelled up to the app, and letters that
    were typed after it overtake it on the way: ctrl+k then deletes what was typed later, and what follows a
    tab lands in the field before. Here such keys act as soon as their turn comes, and letters that
    arrive after the focus has gone follow it.
    """

    async def on_key(self, event: events.Key) -> None:
        """Act on keys that are bound here; letters are left to `Input`."""
        focused = self.screen.focused
        if focused is not None and focused is not self:
            self._take(event)
            focused.post_message(events.Key(event.key, event.character))
        elif event.key in _OTHER_FIELDS:
            self._take(event)
            self._leave(_OTHER_FIELDS[event.key])
        elif not event.is_printable and (bindings := self._bindings.key_to_bindings.get(event.key)):
            self._take(event)
            await self.run_action(bindings[0].action)

    def _leave(self, steps: int) -> None:
        if steps > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
