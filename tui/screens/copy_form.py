"""A form that copies files into the selected container, or out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.copying.places import Copied, CopyOptions, parse
from engine.errors import BoxdeckError, InvalidRequest
from tui.limit_words import FieldError
from tui.widgets.check import Check
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say

Copy = Callable[[str, str, CopyOptions, Callable[[str], None]], Awaitable[Copied]]


class CopyForm(ModalScreen[Copied | None]):
    """Asks what to copy where, and closes when that is done.

    Args:
        container: its name, as a target to begin with.
        copy: does it, from one place to another as ``boxdeck cp`` has them, and says how far it is.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#from"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Copy nothing, or stop copying"),
        Binding("ctrl+s", "submit", "copy", id="form.run", tooltip="Copy it"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, container: str, copy: Copy) -> None:
        super().__init__()
        self._container, self._copy = container, copy

    def compose(self) -> ComposeResult:
        """Both places, and whose the copies are."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"copy into or out of {self._container}"
            dialog.border_subtitle = "enter copy · tab next field · esc close"
            yield from form_field("from", Field(id="from", placeholder=f"/home/me/site · {self._container}:/var/log"))
            yield from form_field("to", Field(f"{self._container}:/", id="to"))
            yield from form_field("owner", Field(id="owner", placeholder="root inside, you outside · www-data · 33:33"))
            yield from form_field("keep", Check("owners and set-user-id bits", id="keep"))
            yield Static(id="status", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Copy, if that can be."""
        clear_errors(self)
        try:
            source, target = self._place("from"), self._place("to")
        except FieldError as error:
            complain(self, error)
            return
        how = CopyOptions(archive=self.query_one("#keep", Check).value, owner=self._text("owner"))
        self.run_worker(self._do(source, target, how), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Copy nothing, or no more."""
        self.dismiss(None)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _place(self, name: str) -> str:
        text = self._text(name)
        if not text:
            raise FieldError(name, "a path is needed", f"here, or in the container as {self._container}:/path")
        try:
            parse(text)
        except InvalidRequest as error:
            raise FieldError(name, error.cause, error.remedy) from error
        return text

    async def _do(self, source: str, target: str, how: CopyOptions) -> None:
        say(self, "copying…")
        try:
            copied = await self._copy(source, target, how, lambda text: say(self, text))
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self.dismiss(copied)
