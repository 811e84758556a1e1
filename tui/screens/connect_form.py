"""Small forms that put a container on a network, or take it from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from engine.errors import BoxdeckError
from engine.model import Attachment
from tui.limit_words import FieldError
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say

Change = Callable[[str, Attachment], Awaitable[object]]


class ConnectForm(ModalScreen[None]):
    """Asks which container, and as what; closes when it is on the network.

    Args:
        network: the network's name.
        names: of containers that it can be.
        connect: puts a container on it.
        proposed: the one that is meant, if nothing else is typed; empty for none.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#container"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Change nothing"),
        Binding("ctrl+s", "submit", "do it", id="form.run", tooltip="Do it"),
    ]
    HAS_WISHES: ClassVar = True

    def __init__(self, network: str, names: Sequence[str], connect: Change, proposed: str = "") -> None:
        super().__init__()
        self._network, self._names, self._change = network, tuple(names), connect
        self._proposed = proposed if proposed in names else ""

    @property
    def _title(self) -> str:
        return f"put a container on {self._network}"

    def compose(self) -> ComposeResult:
        """The container, and what may be wished for."""
        suggester = SuggestFromList(self._names)
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter do it · → take the suggestion · esc close"
            yield from form_field(
                "container",
                Field(
                    self._proposed,
                    id="container",
                    placeholder=" · ".join(self._names),
                    suggester=suggester,
                ),
            )
            if self.HAS_WISHES:
                yield from form_field("address", Field(id="address", placeholder="free ones · 10.10.0.7 fd00:1::7"))
                yield from form_field("aliases", Field(id="aliases", placeholder="none · further names there"))
            yield Static(id="status", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Do it; what is wrong is said below."""
        clear_errors(self)
        words = self._words("container")
        if len(words) != 1:
            complain(self, FieldError("container", "one container is needed", "type its name"))
            return
        self.run_worker(self._apply(words[0], self._wish()), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _wish(self) -> Attachment:
        addresses = self._words("address") if self.HAS_WISHES else ()
        return Attachment(
            network=self._network,
            ip=next((each for each in addresses if ":" not in each), ""),
            ip6=next((each for each in addresses if ":" in each), ""),
            aliases=self._words("aliases") if self.HAS_WISHES else (),
        )

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(self.query_one(f"#{name}", Input).value.replace(",", " ").split())

    async def _apply(self, container: str, wish: Attachment) -> None:
        say(self, "changing…")
        try:
            await self._change(container, wish)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self.dismiss(None)


class DisconnectForm(ConnectForm):
    """Asks which container; closes when it isn't on the network any more."""

    HAS_WISHES: ClassVar = False

    @property
    def _title(self) -> str:
        return f"take a container from {self._network}"
