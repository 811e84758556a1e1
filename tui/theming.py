"""Which theme the app wears, and the watch over theme files."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from engine.errors import InvalidRequest
from tui import themes
from tui.saved_files import changes, stamps


class Theming:
    """Keeps an app's themes as their files say.

    A file that isn't a theme is told about in one sentence, and the last good theme of it stays.
    """

    def __init__(self, app: App[None], wanted: str) -> None:
        self._app = app
        self._wanted = wanted
        self._folders = themes.folders()
        self._as_loaded = stamps(self._folders)
        self._unsaid: list[str] = []
        self.names: list[str] = []

    def load(self) -> None:
        """Register all themes and wear the wanted one.

        Before the app runs, so that nothing is ever painted in other colours; what is to be said waits for `say_all`.
        """
        for path in themes.files(self._folders):
            self._register(path)
        if self._wanted in self.names:
            self.wear(self._wanted)
        elif self.names:
            self.wear(self.names[0])
            self._say(f"there is no theme {self._wanted}: there are {', '.join(self.names)}")

    def say_all(self) -> None:
        """Say what was wrong so far, now that the app can show it."""
        for sentence in self._unsaid:
            self._app.notify(sentence, severity="warning", timeout=8, markup=False)
        self._unsaid.clear()

    async def follow(self) -> None:
        """Register files anew as they are saved; runs until it is cancelled."""
        if not self._folders:
            return
        async for paths in changes(self._folders, since=self._as_loaded):
            for path in paths:
                if self._register(path) == self._app.theme:
                    self._app.mutate_reactive(App.theme)  # the name is the same, the colours aren't

    def wear(self, name: str) -> None:
        """Switch to a theme by name."""
        self._app.theme = name

    def wear_next(self) -> None:
        """Switch to the theme after this one, and say how it stays."""
        if self.names:
            here = self.names.index(self._app.theme) if self._app.theme in self.names else -1
            name = self.names[(here + 1) % len(self.names)]
            self.wear(name)
            self._app.clear_notifications()
            self._app.notify(f'theme = "{name}" in config.toml keeps it', title=name, timeout=4, markup=False)

    def _register(self, path: Path) -> str:
        try:
            theme = themes.load(path)
        except InvalidRequest as error:
            self._say(str(error))
            return ""
        self._app.register_theme(theme)
        if theme.name not in self.names:
            self.names.append(theme.name)
        return theme.name

    def _say(self, sentence: str) -> None:
        self._unsaid.append(sentence)
        if self._app.is_running:
            self.say_all()
