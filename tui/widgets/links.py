"""Links in what a container writes: a click asks what to do with one, and shows where it leads."""

from __future__ import annotations

import os

from textual import events
from textual.app import App
from textual.widget import Widget

from tui.terminal.links import host_of
from tui.terminal.painter import LINK


class Links(Widget):
    """Rows whose styles say where a link leads (`painter.LINK`)."""

    @property
    def takes_clicks(self) -> bool:
        """Whether a click alone is somebody else's, so that a link wants ctrl."""
        return False

    def on_click(self, event: events.Click) -> None:
        """Ask about the link under the pointer."""
        address = event.style.meta.get(LINK)
        if address and self.text_selection is None and (event.ctrl or not self.takes_clicks):
            event.stop()
            self._ask_about(address)

    def _ask_about(self, address: str) -> None:
        from tui.screens.pick import Choice, Pick  # screens know widgets, not the other way round

        def answered(key: str | None) -> None:
            if key == "copy":
                self.app.copy_to_clipboard(address)
                self.notify("Copied.", timeout=2)
            elif key == "open":
                self.app.open_url(address)

        choices = [Choice("no", "leave it", address), Choice("copy", "copy its address")]
        if _has_browser(self.app):
            choices.append(Choice("open", "open it"))
        self.app.push_screen(Pick(f"a link to {host_of(address)}", choices, "no"), answered)


def _has_browser(app: App[object]) -> bool:
    """Whether it would open beside the app: browsers for terminals would take the app's."""
    return app.is_web or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
