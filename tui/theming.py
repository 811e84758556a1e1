"""Which theme the app wears, and the watch over theme files."""

from __future__ import annotations

from collections.abc import Iterable
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
        self._names: list[str] = []
        self._has_all = False

    def load(self) -> None:
        """Wear the wanted theme: of the files that are called like it, or else of all.

        Before the app runs, so that nothing is ever painted in other colours; what is to be said waits for `say_all`.
        """
        for path in themes.files(self._folders):
            if path.stem == self._wanted:
                self._register(path)
        if self._wanted in self._names or self._wanted in self.names:
            self.wear(self._wanted)
        elif self.names:
            self.wear(self.names[0])
            self._say(f"there is no theme {self._wanted}: there are {', '.join(self.names)}")

    @property
    def names(self) -> list[str]:
        """Of all themes; their files are read when this is asked first, which takes a few milliseconds."""
        self._read_all()
        return self._names

    def _read_all(self) -> None:
        if not self._has_all:
            self._has_all = True
            self._names.clear()
            self._take(themes.files(self._folders))

    def _take(self, paths: Iterable[Path]) -> None:
        for path in paths:
            worn = self._app.current_theme
            if self._register(path) == worn.name and self._app.current_theme != worn and self._app.is_running:
                self._app.mutate_reactive(App.theme)  # the name is the same, the colours aren't

    def say_all(self) -> None:
        """Say what was wrong so far, now that the app can show it."""
        for sentence in self._unsaid:
            self._app.notify(sentence, severity="warning", timeout=8, markup=False)
        self._unsaid.clear()

    async def follow(self) -> None:
        """Register files anew as they are saved; runs until it is cancelled."""
        if not self._folders:
            return
        self._read_all()  # what is wrong with any of them is said without being asked for
        async for paths in changes(self._folders, since=self._as_loaded):
            self._take(paths)

    def wear(self, name: str) -> None:
        """Switch to a theme by name."""
        if name not in self._names:
            self._read_all()
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
        if theme.name not in self._names:
            self._names.append(theme.name)
        return theme.name

    def _say(self, sentence: str) -> None:
        self._unsaid.append(sentence)
        if self._app.is_running:
            self.say_all()
