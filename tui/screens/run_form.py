"""A small form that runs a container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
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
from tui.limit_words import FieldError
from tui.run_request import Fields, request_of
from tui.widgets.field import Field
from tui.widgets.form_field import clear_errors, complain, form_field, say

ImageNames = Callable[[], Awaitable[Sequence[str]]]
Say = Callable[[str], None]
Run = Callable[[ContainerRequest, Say], Awaitable[Container]]

_AIRY_ROWS = 34
"""From this height on there is an empty line below every field."""
_HEIGHTS: list[tuple[int, str]] | None = [(0, "-low"), (_AIRY_ROWS, "-airy")]

_NETWORKS = (
    ("bridge · an address of its own", "bridge"),
    ("none · loopback only", "none"),
    ("host · the machine's", "host"),
)
_IDS = (
    ("of its own · root inside is nobody outside", "auto"),
    ("the host's · root inside is root outside", "host"),
    ("mine kept · you are the same inside and outside", "keep-id"),
)
_RIGHTS = (
    ("the usual · few capabilities, calls filtered", "usual"),
    ("none · no capability at all", "none"),
    ("all · privileged: nothing keeps it in", "privileged"),
)


class RunForm(ModalScreen[Container | None]):
    """Asks for image, command, name, limits, network and security; closes with the container that runs then.

    Args:
        image_names: names to suggest.
        run: runs a request, telling what it is at meanwhile.
        image: which one to run with its own command; empty for a shell from `base`.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "run_form.tcss"]
    AUTO_FOCUS = "#image"
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="form.close", tooltip="Run nothing"),
        Binding("ctrl+s", "submit", "run", id="form.run", tooltip="Run it"),
        Binding("down", "app.focus_next", "next", id="form.next", show=False, tooltip="The next field"),
        Binding("up", "app.focus_previous", "previous", id="form.previous", show=False, tooltip="The field before"),
    ]

    def __init__(self, image_names: ImageNames, run: Run, image: str = "") -> None:
        super().__init__()
        self._image_names, self._image = image_names, image
        self._run = run

    def compose(self) -> ComposeResult:
        """One field a line, its error beside it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "run a container"
            dialog.border_subtitle = "enter run · tab next field · esc close"
            yield from form_field("image", Field(self._image or "base", id="image"))
            yield from form_field(
                "command", Field("" if self._image else "sh", id="command", placeholder="the image's own")
            )
            yield from form_field("name", Field(id="name", placeholder="made up"))
            yield from form_field("memory", Field(id="memory", placeholder="no limit · 256m, 1.5g"))
            yield from form_field("cpus", Field(id="cpus", placeholder="no limit · 1.5"))
            yield from form_field("pids", Field(id="pids", placeholder="2048 · 512"))
            yield from form_field("limits", Field(id="limits", placeholder="no more · shares=512 cpuset=0-1 swap=1g"))
            yield from form_field("network", _choice(_NETWORKS, "network"))
            yield from form_field("ports", Field(id="ports", placeholder="none · 8080:80 127.0.0.1:5353:53/udp"))
            yield from form_field("volumes", Field(id="volumes", placeholder="none · /on/the/host:/inside:ro"))
            yield from form_field("ids", _choice(_IDS, "ids"))
            yield from form_field("rights", _choice(_RIGHTS, "rights"))
            yield from form_field(
                "capabilities", Field(id="capabilities", placeholder="as its rights say · net_admin -chown")
            )
            with Horizontal(classes="field"):
                yield Label("", classes="label")
                yield Checkbox("a terminal", id="terminal", value=True, compact=True)
                yield Checkbox("read-only root", id="read_only", compact=True)
                yield Checkbox("an init", id="init", compact=True)
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
        clear_errors(self)
        try:
            request = request_of(self._fields())
        except FieldError as error:
            complain(self, error)
            return
        self.run_worker(self._run_request(request), exclusive=True, exit_on_error=False)

    def action_close(self) -> None:
        """Run nothing."""
        self.dismiss(None)

    async def _run_request(self, request: ContainerRequest) -> None:
        say(self, "starting…")
        try:
            container = await self._run(request, partial(say, self))
        except BoxdeckError as error:
            say(self, str(error), is_error=True)
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
            limits=typed("limits"),
            network=str(self.query_one("#network", Select).value),
            ports=typed("ports"),
            volumes=typed("volumes"),
            ids=str(self.query_one("#ids", Select).value),
            rights=str(self.query_one("#rights", Select).value),
            capabilities=typed("capabilities"),
            terminal=self.query_one("#terminal", Checkbox).value,
            read_only=self.query_one("#read_only", Checkbox).value,
            init=self.query_one("#init", Checkbox).value,
        )


def _choice(options: tuple[tuple[str, str], ...], name: str) -> Select[str]:
    return Select(options, id=name, value=options[0][1], allow_blank=False, compact=True)
