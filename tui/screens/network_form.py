"""A form that makes a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from engine.errors import BoxdeckError
from engine.model import NetworkRequest
from tui.limit_words import FieldError
from tui.widgets.check import Check
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say


class NetworkForm(ModalScreen[None]):
    """Asks what a new network is to be like, and closes when it is there.

    Args:
        create: makes it.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Make none"),
        Binding("ctrl+s", "submit", "make it", id="form.run", tooltip="Make it"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, create: Callable[[NetworkRequest], Awaitable[object]]) -> None:
        super().__init__()
        self._create = create

    def compose(self) -> ComposeResult:
        """What is left open is chosen."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "a new network"
            dialog.border_subtitle = "enter make it · tab next field · esc close"
            yield from form_field("name", Field(id="name", placeholder="backend"))
            yield from form_field("subnets", Field(id="subnets", placeholder="chosen · 10.10.0.0/24 fd00:1::/64"))
            yield from form_field("gateways", Field(id="gateways", placeholder="the first address · 10.10.0.254"))
            yield from form_field("ranges", Field(id="ranges", placeholder="all of it · 10.10.0.128/25"))
            yield from form_field("mtu", Field(id="mtu", placeholder="what the way out takes · 1400"))
            with Horizontal(classes="field"):
                yield Label("", classes="label")
                yield Check("IPv6", id="ipv6", value=True)
                yield Check("no way out", id="internal")
            yield Static(id="status", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Make it; what is wrong with it is said below."""
        clear_errors(self)
        try:
            request = self._request()
        except FieldError as error:
            complain(self, error)
        else:
            self.run_worker(self._make(request), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Make none."""
        self.dismiss(None)

    def _request(self) -> NetworkRequest:
        name, mtu = self._words("name"), self._words("mtu")
        if len(name) != 1:
            raise FieldError("name", "a name has no blanks" if name else "a name is needed", "such as backend")
        if mtu and not (len(mtu) == 1 and mtu[0].isdecimal()):
            raise FieldError("mtu", "the MTU is a number of bytes", "such as 1400")
        return NetworkRequest(
            name=name[0],
            subnets=self._words("subnets"),
            gateways=self._words("gateways"),
            ip_ranges=self._words("ranges"),
            ipv6=None if self.query_one("#ipv6", Check).value else False,
            internal=self.query_one("#internal", Check).value,
            mtu=int(mtu[0]) if mtu else None,
        )

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(self.query_one(f"#{name}", Input).value.replace(",", " ").split())

    async def _make(self, request: NetworkRequest) -> None:
        say(self, "making it…")
        try:
            await self._create(request)
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
        else:
            self.dismiss(None)
