"""An app with a shell pane in it, and what a test does to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.pty_session import PtySession
from tui.terminal.session import TerminalSession
from tui.themes import FALLBACK_VARIABLES
from tui.widgets.shell_pane import ShellPane

PATIENCE_SECONDS = 8


class Desk(App[None]):
    """An app with a pane and something else to go to; its keys must not fire while the pane has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "note('x')"), Binding("tab", "note('tab')")]

    def __init__(self, session: TerminalSession, title: str = "") -> None:
        super().__init__()
        self.session = session
        self.pane_title = title
        self.notes: list[str] = []

    def compose(self) -> ComposeResult:
        yield ShellPane(self.session, title=self.pane_title)
        yield Input()

    def on_mount(self) -> None:
        self.pane.focus()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What dialogs want of Boxdeck's themes."""
        return FALLBACK_VARIABLES

    @property
    def pane(self) -> ShellPane:
        return self.query_one(ShellPane)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's own priority keys: an app has to step back for the pane."""
        return not (isinstance(self.focused, ShellPane) and action in ("quit", "command_palette"))

    def action_note(self, what: str) -> None:
        self.notes.append(what)

    def on_shell_pane_left(self, message: ShellPane.Left) -> None:
        self.notes.append("left")
        self.query_one(Input).focus()

    def on_shell_pane_ended(self, message: ShellPane.Ended) -> None:
        self.notes.append(f"ended {message.exit_status}")

    def on_shell_pane_closed(self, message: ShellPane.Closed) -> None:
        self.notes.append("closed")
        message.control.remove()


def screen(pane: ShellPane) -> list[str]:
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        await pilot.pause(0.02)
        if condition():
            return
    raise AssertionError("\n".join(screen(pilot.app.query_one(ShellPane))))


async def until_shown(pilot: Pilot[None], text: str) -> None:
    await until(pilot, lambda: any(text in line for line in screen(pilot.app.query_one(ShellPane))))


async def press(pilot: Pilot[None], text: str, *then: str) -> None:
    await pilot.press(*("space" if character == " " else character for character in text), *then)


@asynccontextmanager
async def desk(
    *argv: str, title: str = "", size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Desk, Pilot[None]]]:
    app = Desk(PtySession.spawn(*argv), title)
    async with app.run_test(size=size) as pilot:
        yield app, pilot
