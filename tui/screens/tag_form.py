"""A small form that asks for a further name of an image."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import BoxdeckError
from tui.limit_words import FieldError
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field


class TagForm(ModalScreen[None]):
    """Asks for a name, and closes when the image has it.

    Args:
        image: what it is called now.
        tag: gives it the name.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "name it", id="form.submit", tooltip="Give it the name"),
        Binding("escape", "close", "close", id="form.close", tooltip="Leave it as it is"),
    ]

    def __init__(self, image: str, tag: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._image, self._tag = image, tag

    def compose(self) -> ComposeResult:
        """One field."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"a further name for {self._image}"
            dialog.border_subtitle = "enter name it · esc close"
            yield from form_field("name", Field(id="name", placeholder="web:2 · registry.lan/team/web:2"))
            yield Static(id="status", markup=False)

    @on(Input.Submitted)
    async def action_submit(self) -> None:
        """Give it the name; what is wrong with it is said below."""
        clear_errors(self)
        name = self.query_one("#name", Input).value.strip()
        try:
            if not name:
                raise FieldError("name", "a name is needed", "such as web:2")
            await self._tag(name)
        except FieldError as error:
            complain(self, error)
        except BoxdeckError as error:
            complain(self, FieldError("name", error.cause, error.remedy))
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
