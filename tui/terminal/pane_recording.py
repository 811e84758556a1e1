"""Recording what a pane shows, from some moment on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.asciicast import Recording
from engine.errors import InvalidRequest
from tui.terminal.emulator import Emulator
from tui.terminal.repaint import repaint


class PaneRecording:
    """At most one recording at a time.

    Args:
        failed: told why nothing more is recorded.
    """

    def __init__(self, emulator: Emulator, failed: Callable[[str], None]) -> None:
        self._emulator, self._failed = emulator, failed
        self._recording: Recording | None = None

    @property
    def is_on(self) -> bool:
        """Whether what is shown is recorded."""
        return self._recording is not None

    def begin(self, title: str) -> None:
        """Record into a new file in the working directory, beginning with what is on the screen."""
        path = Path.cwd() / f"{datetime.now():boxdeck-%Y-%m-%d-%H%M%S}.cast"
        try:
            self._recording = Recording(path, self._emulator.rows, self._emulator.columns, title)
        except InvalidRequest as error:
            self._failed(str(error))
            return
        self.output(repaint(self._emulator))

    def output(self, data: bytes) -> None:
        """Something is shown."""
        if self._recording is None:
            return
        try:
            self._recording.resize(self._emulator.rows, self._emulator.columns)
            self._recording.output(data)
        except InvalidRequest as error:
            self._failed(str(error))
            self.end()

    def end(self) -> Path | None:
        """Record no more; the file, if there is one."""
        if self._recording is None:
            return None
        self._recording.close()
        path, self._recording = self._recording.path, None
        return path
