"""How tests look at the app: as text on a screen, and with patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from engine.config.model import Config
from tui.app import BoxdeckApp

PATIENCE_SECONDS = 15


class Desk:
    """An app that runs, and the hands and eyes of a person in front of it."""

    def __init__(self, app: BoxdeckApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What the screen shows."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def notices(self) -> list[str]:
        """Sentences that popped up lately."""
        return [notice.message for notice in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Replace what is in the focused field."""
        field = self.app.focused
        assert isinstance(field, Input)
        field.value = ""
        await self.pilot.press(*text)

    async def see(self, *texts: str) -> None:
        """Wait until the screen shows all of that."""
        await self.until(lambda: all(text in self.text for text in texts), lambda: f"{texts} not in:\n{self.text}")

    async def see_no(self, text: str) -> None:
        """Wait until the screen shows that no more."""
        await self.until(lambda: text not in self.text, lambda: f"{text!r} still in:\n{self.text}")

    async def hear(self, text: str) -> None:
        """Wait for a notice that contains the text."""
        await self.until(
            lambda: any(text in notice for notice in self.notices), lambda: f"{text!r} not in {self.notices}"
        )

    async def until(
        self, condition: Callable[[], bool], otherwise: Callable[[], str] = lambda: "it never came"
    ) -> None:
        """Wait for something that will be true soon."""
        for _ in range(PATIENCE_SECONDS * 20):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(otherwise())


@asynccontextmanager
async def desk(engine: Any, *, size: tuple[int, int] = (120, 36), config: Config | None = None) -> AsyncIterator[Desk]:
    """The app on an engine, real or made up, in a terminal of that many columns and rows."""
    app = BoxdeckApp(engine, config or Config())
    async with app.run_test(size=size, notifications=True) as pilot:
        at = Desk(app, pilot)
        await at.until(lambda: app.deck.containers is not None and app.deck.snapshot is not None)
        await pilot.pause()
        yield at


async def soon(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that has to be asked for."""
    for _ in range(PATIENCE_SECONDS * 20):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")
