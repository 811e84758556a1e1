"""Links in what a container writes: seen, asked about, and never followed unasked."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from engine.model import LogLine
from tests.tui.emulators import EMULATORS
from tests.tui.pty_session import PtySession
from tests.tui.shell_desk import until
from tui.screens.pick import Pick
from tui.terminal.emulator import Emulator
from tui.terminal.links import LONGEST, followable, host_of
from tui.terminal.log_text import runs_of
from tui.themes import FALLBACK_VARIABLES
from tui.widgets.log_view import LogView
from tui.widgets.shell_pane import ShellPane

ADDRESS = "https://docs.example@other.example/page?a=1"
LINK = f"see \x1b]8;;{ADDRESS}\x1b\\the \x1b[31mpage\x1b[0m\x1b]8;;\x07 now"


def links(runs: object) -> list[tuple[str, str]]:
    """Texts with where they lead, neighbours joined, without what leads nowhere."""
    found: list[tuple[str, str]] = []
    for run in runs:  # type: ignore[attr-defined]
        if found and found[-1][1] == run.style.link:
            found[-1] = (found[-1][0] + run.text, run.style.link)
        else:
            found.append((run.text, run.style.link))
    return [each for each in found if each[1]]


@pytest.mark.parametrize("kind", EMULATORS)
def test_a_terminal_keeps_links_that_lead_into_the_web_and_no_others(kind: type[Emulator]) -> None:
    emulator = kind(60, 3)
    emulator.feed(LINK.encode())
    assert links(emulator.row(0)) == [("the page", ADDRESS)]
    emulator.feed(b"\r\n" * 5)
    emulator.scroll_view(-3)
    assert links(emulator.row(0)) == [("the page", ADDRESS)]
    emulator.show_end()
    others = ("file:///etc/passwd", "javascript:1", "https://", "https://a b/", f"https://h/{'x' * LONGEST}", "ssh://h")
    emulator.feed(b"\r\n" + "".join(f"\x1b]8;;{other}\x07here\x1b]8;;\x07" for other in others).encode())
    assert not any(links(emulator.row(y)) for y in range(3))
    emulator.feed(b"\x1b[H\x1b[2J\x1b]8;;http://a/\x07one\x1b]8;;http://b/\x07two")
    assert links(emulator.row(0)) == [("one", "http://a/"), ("two", "http://b/")]


def test_a_log_keeps_them_too() -> None:
    assert links(runs_of(LINK.encode())) == [("the page", ADDRESS)]
    assert not links(runs_of(b"\x1b]8;;file:///x\x07here\x1b]8;;\x07"))


def test_the_machine_that_is_named_is_the_one_that_is_led_to() -> None:
    assert host_of(ADDRESS) == "other.example"
    assert followable("https://[x/") == followable(None) == ""


class Desk(App[None]):
    """A pane, or a log."""

    def __init__(self, script: str | None) -> None:
        super().__init__()
        self._script = script
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        if self._script is None:
            yield LogView()
        else:
            yield ShellPane(PtySession.spawn("sh", "-c", self._script))

    async def on_mount(self) -> None:
        if self._script is None:
            self.query_one(LogView).show(log())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What dialogs want of Boxdeck's themes."""
        return FALLBACK_VARIABLES

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        self.opened.append(url)


async def log():  # type: ignore[no-untyped-def]
    yield LogLine(at_unix_ns=0, stream="stdout", data=LINK.encode())


async def ask(pilot: Pilot[None], kind: type[ShellPane | LogView], **modifiers: bool) -> bool:
    """Click at the link; whether that asks what to do."""
    widget = pilot.app.query_one(kind)
    await pilot.pause(0.3)
    await pilot.click(widget, offset=(widget.gutter.left + 6, widget.gutter.top), **modifiers)
    await pilot.pause(0.1)
    return isinstance(pilot.app.screen, Pick)


@pytest.mark.parametrize(
    ("kind", "script"),
    [(ShellPane, f"printf %s '{LINK}'; sleep 9"), (LogView, None)],
    ids=["pane", "log"],
)
async def test_a_click_asks_shows_where_it_leads_and_does_what_is_said(
    kind: type[ShellPane | LogView], script: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":9")
    app = Desk(script)
    async with app.run_test(size=(80, 10)) as pilot:
        assert await ask(pilot, kind)
        shown = "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())
        assert "a link to other.example" in shown and ADDRESS in shown
        await pilot.press("enter")
        await pilot.pause(0.6)  # two clicks at once are something else
        assert not app.clipboard and not app.opened
        assert await ask(pilot, kind)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.clipboard == ADDRESS)
        assert await ask(pilot, kind)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.opened == [ADDRESS])


async def test_a_program_that_wants_the_mouse_keeps_plain_clicks() -> None:
    app = Desk(f"printf '\\033[?1000h%s' '{LINK}'; sleep 9")
    async with app.run_test(size=(80, 10)) as pilot:
        assert not await ask(pilot, ShellPane)
        assert await ask(pilot, ShellPane, control=True)
