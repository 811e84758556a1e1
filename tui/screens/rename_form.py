"""A small form that asks what a container is to be called."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.screens.tag_form import TagForm
from tui.widgets.field import Field
from tui.widgets.form_field import form_field


class RenameForm(TagForm):
    """Asks for a name, and closes when the container has it."""

    def compose(self) -> ComposeResult:
        """One field, with the name that it has now."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"another name for {self._image}"
            dialog.border_subtitle = "enter rename · esc close"
            yield from form_field("name", Field(self._image, id="name"))
            yield Static(id="status", markup=False)
