"""A small form that asks which image to pull."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import InvalidRequest
from engine.images import platforms
from engine.oci.reference import parse_reference
from tui.limit_words import FieldError
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field


class PullWanted(NamedTuple):
    """What to pull; the platform is None for this machine's."""

    reference: str
    platform: str | None


class PullForm(ModalScreen[PullWanted | None]):
    """Asks for a reference and a platform; closes with them.

    Args:
        reference: to begin with, such as that of a pull that was cancelled.
        platform: likewise.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#reference"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "pull", id="form.submit", tooltip="Pull it"),
        Binding("escape", "close", "close", id="form.close", tooltip="Pull nothing"),
    ]

    def __init__(self, reference: str = "", platform: str = "") -> None:
        super().__init__()
        self._reference, self._platform = reference, platform

    def compose(self) -> ComposeResult:
        """Two fields."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "pull an image"
            dialog.border_subtitle = "enter pull · tab next field · esc close"
            reference = Field(
                self._reference, id="reference", placeholder="alpine · debian:12 · registry.lan/team/web:2"
            )
            yield from form_field("reference", reference)
            yield from form_field(
                "platform", Field(self._platform, id="platform", placeholder="this machine's · linux/arm64")
            )
            yield Static(id="status", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Close with what the form says, if it can be."""
        clear_errors(self)
        try:
            self.dismiss(self._wanted())
        except FieldError as error:
            complain(self, error)

    def action_close(self) -> None:
        """Pull nothing."""
        self.dismiss(None)

    def _wanted(self) -> PullWanted:
        reference, platform = (self.query_one(f"#{name}", Input).value.strip() for name in ("reference", "platform"))
        if not reference:
            raise FieldError("reference", "an image is needed", "such as alpine or debian:12")
        try:
            parse_reference(reference)
        except InvalidRequest as error:
            raise FieldError("reference", error.cause, error.remedy) from error
        try:
            platforms.parse(platform) if platform else None
        except InvalidRequest as error:
            raise FieldError("platform", error.cause, error.remedy) from error
        return PullWanted(reference, platform or None)
