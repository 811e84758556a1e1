"""A person's settings while the app runs: what is odd about them is said, and what is saved is obeyed at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.config import places
from engine.config.model import PRESET, Config
from engine.config.reading import Mistake, read
from tui import keymaps
from tui.saved_files import appearance, changes, stamps
from tui.widgets.pane_keys import PaneKeys

if TYPE_CHECKING:
    from tui.app import BoxdeckApp


class LiveSettings:
    """Applies settings to an app: keys, theme, how often it measures, and what starts as a shell.

    A file that is wrong is told about in one sentence, and what was set before stays.

    Args:
        config: what the app starts with.
    """

    def __init__(self, app: BoxdeckApp, config: Config) -> None:
        self._app = app
        self._config = config
        self._as_read = stamps(_folders())
        self._theme_set = read().config.theme  # the app may wear another, for once

    def begin(self) -> None:
        """Put keys and intervals in force."""
        keymap = keymaps.keymap_of(self._config.keys)
        self._app.pane_keys = PaneKeys(keymap)
        self._app.set_keymap(keymap)
        self._app.live.measure_every(self._config.interval_seconds, self._config.unfocused_interval_seconds)

    def wear_keys(self, preset: str) -> None:
        """Put a preset's keys in force until the app ends, and say how to keep them."""
        self._config = self._app.config = replace(self._config, keys={**self._config.keys, PRESET: preset})
        self.begin()
        words = f'Keys are {preset}\'s now. To keep them: preset = "{preset}" under [keys] in {places.own_file()}'
        self._app.notify(words, timeout=10, markup=False)

    def say_all(self) -> None:
        """Say what is wrong in the files, and which keys can't be meant."""
        mistakes = read().mistakes
        if mistakes:
            self._say(mistakes, "the rest is in force")
        self._say_doubts(self._config)

    async def follow(self) -> None:
        """Obey files as they are saved; runs until it is cancelled."""
        own = places.own_file()
        if not own.parent.is_dir():
            if not own.parent.parent.is_dir():
                return
            await appearance(own.parent)
        wanted = {file.name for file in places.files()}
        async for paths in changes(_folders(), since=self._as_read):
            if wanted & {path.name for path in paths}:
                self._reload()

    def _reload(self) -> None:
        settings = read()
        if settings.mistakes:
            self._say(settings.mistakes, "what was set before stays")
            return
        if settings.config != self._config:
            self._apply(settings.config)
        self._say_doubts(settings.config)

    def _apply(self, config: Config) -> None:
        self._config = self._app.config = config
        self.begin()
        if config.theme != self._theme_set and config.theme in self._app.theming.names:
            self._app.theming.wear(config.theme)
        self._theme_set = config.theme

    def _say(self, mistakes: list[Mistake], after: str) -> None:
        more = f", and {len(mistakes) - 1} more (boxdeck config check)" if len(mistakes) > 1 else ""
        self._app.notify(f"{mistakes[0]}{more}; {after}", severity="warning", timeout=10, markup=False)

    def _say_doubts(self, config: Config) -> None:
        for doubt in _doubts(config):
            self._app.notify(f"{doubt[0]}: {doubt[1]}", severity="warning", timeout=10, markup=False)


def _folders() -> tuple[Path, ...]:
    return tuple({file.parent for file in places.files() if file.parent.is_dir()})


def _doubts(config: Config) -> Iterator[tuple[str, str]]:
    if config.keys:
        from tui import key_views  # imports every screen

        yield from ((each.cause, each.remedy) for each in key_views.doubts(config))
