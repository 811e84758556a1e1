"""A small form that asks what a new volume is to be called."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.screens.tag_form import TagForm
from tui.widgets.field import Field
from tui.widgets.form_field import form_field


class VolumeForm(TagForm):
    """Asks for a name, and closes when the volume is there."""

    def compose(self) -> ComposeResult:
        """One field."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "a new volume"
            dialog.border_subtitle = "enter make it · esc close"
            yield from form_field("name", Field(id="name", placeholder="data"))
            yield Static(id="status", markup=False)
