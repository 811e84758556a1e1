"""A small form that runs a container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Checkbox, Input, Label, Select, Static

from engine.errors import BoxdeckError
from engine.model import Container, ContainerRequest
from tui.run_request import FieldError, Fields, request_of
from tui.widgets.field import Field

ImageNames = Callable[[], Awaitable[Sequence[str]]]
Say = Callable[[str], None]
Run = Callable[[ContainerRequest, Say], Awaitable[Container]]

_NETWORKS = (
    ("bridge · an address of its own", "bridge"),
    ("none · loopback only", "none"),
    ("host · the machine's", "host"),
)


class RunForm(ModalScreen[Container | None]):
    """Asks for image, command, name, limits and network; closes with the container that runs then.

    Args:
        image_names: names to suggest.
        run: runs a request, telling what it is at meanwhile.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#image"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Run nothing"),
        Binding("ctrl+s", "submit", "run", id="form.run", tooltip="Run it"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, image_names: ImageNames, run: Run) -> None:
        super().__init__()
        self._image_names = image_names
        self._run = run

    def compose(self) -> ComposeResult:
        """One field a line, its error beside it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "run a container"
            dialog.border_subtitle = "enter run · tab next field · esc close"
            yield from _field("image", Field("base", id="image"))
            yield from _field("command", Field("sh", id="command", placeholder="the image's own"))
            yield from _field("name", Field(id="name", placeholder="made up"))
            yield from _field("memory", Field(id="memory", placeholder="no limit · 256m, 1.5g"))
            yield from _field("cpus", Field(id="cpus", placeholder="no limit · 1.5"))
            yield from _field("pids", Field(id="pids", placeholder="no limit · 512"))
            yield from _field(
                "network", Select(_NETWORKS, id="network", value="bridge", allow_blank=False, compact=True)
            )
            yield from _field(
                "terminal", Checkbox("keep a terminal open for it", id="terminal", value=True, compact=True)
            )
            yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        """Begin to look for names to suggest."""
        self.run_worker(self._suggest_images(), exit_on_error=False)

    async def _suggest_images(self) -> None:
        names = await self._image_names()
        short = [name.removesuffix(":latest") for name in names]
        self.query_one("#image", Input).suggester = SuggestFromList(dict.fromkeys(("base", *short, *names)))

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Run what the form says."""
        self._clear_errors()
        try:
            request = request_of(self._fields())
        except FieldError as error:
            self._complain(error)
            return
        self.run_worker(self._run_request(request), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Run nothing."""
        self.dismiss(None)

    async def _run_request(self, request: ContainerRequest) -> None:
        self._say("starting…")
        try:
            container = await self._run(request, self._say)
        except BoxdeckError as error:
            self._say(str(error), is_error=True)
        else:
            self.dismiss(container)

    def _fields(self) -> Fields:
        def typed(name: str) -> str:
            return self.query_one(f"#{name}", Input).value

        return Fields(
            image=typed("image"),
            command=typed("command"),
            name=typed("name"),
            memory=typed("memory"),
            cpus=typed("cpus"),
            pids=typed("pids"),
            network=str(self.query_one("#network", Select).value),
            terminal=self.query_one("#terminal", Checkbox).value,
        )

    def _complain(self, error: FieldError) -> None:
        self.query_one(f"#{error.field}-error", Static).update(str(error))
        self.query_one(f"#{error.field}").focus()

    def _clear_errors(self) -> None:
        for place in self.query(".error").results(Static):
            place.update()
        self._say("")

    def _say(self, text: str, is_error: bool = False) -> None:
        status = self.query_one("#status", Static)
        status.set_class(is_error, "-error")
        status.update(text)


def _field(name: str, widget: Input | Select[str] | Checkbox) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Label(name, classes="label")
        yield widget
    yield Static(id=f"{name}-error", classes="error", markup=False)
