"""Keys that arrive faster than the app paints."""

from __future__ import annotations

from textual import events
from textual.app import App, ComposeResult

from tui.widgets.field import Field


class TwoFields(App[None]):
    """Two fields, one below the other."""

    def compose(self) -> ComposeResult:
        yield Field("old", id="one")
        yield Field("old", id="two")


async def burst(*keys: str) -> tuple[str, str]:
    """What both fields say after keys that all arrived at once."""
    app = TwoFields()
    async with app.run_test() as pilot:
        field = app.query_one("#one", Field)
        field.focus()
        await pilot.pause()
        for key in keys:
            field.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        return app.query_one("#one", Field).value, app.query_one("#two", Field).value


async def test_a_line_is_cleared_before_what_is_typed_next() -> None:
    assert await burst("end", "ctrl+u", *"new") == ("new", "old")
    assert await burst("home", "ctrl+k", *"new") == ("new", "old")


async def test_what_follows_a_tab_lands_in_the_next_field() -> None:
    assert await burst("end", *"er", "tab", "end", *"er") == ("older", "older")


async def test_and_comes_back_with_the_focus() -> None:
    assert await burst("tab", "end", "x", "shift+tab", "end", "y") == ("oldy", "oldx")
