"""A form that publishes ports of the selected container, or withdraws them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import BoxdeckError, InvalidRequest
from engine.model import Container, PublishedPort
from engine.network import port_notation
from tui.drawing import ports
from tui.limit_words import FieldError
from tui.widgets.drawn import Drawn
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say

Ports = Sequence[PublishedPort]
Change = Callable[[Ports, Ports], Awaitable[tuple[str, ...]]]


class PortForm(ModalScreen[tuple[str, ...] | None]):
    """Shows the ports of a container, and closes with warnings when some were changed.

    Args:
        container: whose ports.
        change: withdraws the first ports, then publishes the second.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#publish"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Change nothing"),
        Binding("ctrl+s", "submit", "change", id="form.run", tooltip="Publish and withdraw what is named"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, container: Container, change: Change) -> None:
        super().__init__()
        self._container, self._change = container, change

    def compose(self) -> ComposeResult:
        """Those that there are, and a field for each way."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"ports of {self._container.name}"
            dialog.border_subtitle = "enter change · tab next field · esc close"
            yield Drawn(id="in-force")
            yield from form_field("publish", Field(id="publish", placeholder="8080:80 · 127.0.0.1:5353:53/udp · 80"))
            yield from form_field("withdraw", Field(id="withdraw", placeholder="none · 8080:80 · 80"))
            yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        """What is published now."""
        self.query_one("#in-force", Drawn).show(ports.lines(self._container))
        if not self._container.is_running:
            say(self, "It doesn't run: ports lead to it from its next start on.")

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Publish and withdraw, if there is anything to do."""
        clear_errors(self)
        try:
            gone, added = self._typed("withdraw"), self._typed("publish")
        except FieldError as error:
            complain(self, error)
            return
        if gone or added:
            self.run_worker(self._apply(gone, added), exclusive=True, exit_on_error=False)
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _typed(self, name: str) -> tuple[PublishedPort, ...]:
        words = self.query_one(f"#{name}", Input).value.replace(",", " ").split()
        try:
            return tuple(port for word in words for port in port_notation.published(word))
        except InvalidRequest as error:
            raise FieldError(name, error.cause, error.remedy) from error

    async def _apply(self, gone: Ports, added: Ports) -> None:
        say(self, "changing…")
        try:
            warnings = await self._change(gone, added)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self.dismiss(warnings)
