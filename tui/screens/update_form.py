"""A form that changes a container's limits, at once where it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import BoxdeckError
from engine.limits import Limits
from engine.model import Container
from engine.model.limits_in_force import LimitsInForce
from tui.drawing.in_force import in_force_line, weight_line
from tui.limit_words import EVERY, FieldError, Word, as_set, change_of
from tui.widgets.drawn import Drawn
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say

Update = Callable[[Limits], Awaitable[Container]]

_AIRY_ROWS = 44
_HEIGHTS: list[tuple[int, str]] | None = [(0, "-low"), (_AIRY_ROWS, "-airy")]


class UpdateForm(ModalScreen[Container | None]):
    """Shows the limits of a container and changes those that a person changed; closes with the container.

    Args:
        container: whose limits.
        in_force: what the kernel has; None while it doesn't run.
        update: changes limits.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#memory"
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Change nothing"),
        Binding("ctrl+s", "submit", "change", id="form.run", tooltip="Change what was changed"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, container: Container, in_force: LimitsInForce | None, update: Update) -> None:
        super().__init__()
        self._container = container
        self._in_force = in_force
        self._update = update
        self._before = [(word, self._text(word)) for word in EVERY]

    def _text(self, word: Word) -> str:
        """What was asked for, otherwise what the kernel has."""
        own = as_set(self._in_force.own) if self._in_force is not None else Limits()
        return word.text_of(self._container.request.limits) or word.text_of(own)

    def compose(self) -> ComposeResult:
        """One field a limit, what is in force above them."""
        with VerticalScroll(classes="dialog", can_focus=False) as dialog:
            dialog.border_title = f"limits of {self._container.name}"
            dialog.border_subtitle = "enter change · tab next field · esc close"
            yield Drawn(id="in-force")
            for word, text in self._before:
                field = Field(text, id=word.name, placeholder=word.hint)
                yield from form_field(word.name, field, word.label)
            yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        """What binds it now."""
        drawn = self.query_one("#in-force", Drawn)
        drawn.display = self._in_force is not None
        if self._in_force is not None:
            says = (in_force_line(self._container, self._in_force), weight_line(self._container, self._in_force))
            drawn.show([each for each in says if each])
        else:
            say(self, "It doesn't run: limits hold from its next start on.")

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Change what was changed."""
        clear_errors(self)
        after = [(word, self.query_one(f"#{word.name}", Input).value) for word in EVERY]
        try:
            change = change_of(self._before, after)
        except FieldError as error:
            complain(self, error)
            return
        if change == Limits():
            self.dismiss(None)
        else:
            self.run_worker(self._change(change), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    async def _change(self, change: Limits) -> None:
        say(self, "changing…")
        try:
            container = await self._update(change)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
            self.call_after_refresh(self.query_one("#status").scroll_visible, animate=False)
        else:
            self.dismiss(container)
