"""A real terminal to sit at: tmux with a server of its own, a fixed size and nobody's configuration."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

PATIENCE_SECONDS = 30.0


class Tmux:
    """One terminal that runs one command."""

    def __init__(self, folder: Path, argv: list[str], columns: int = 140, rows: int = 40) -> None:
        self._base = ["tmux", "-S", str(folder / "tmux.sock"), "-f", "/dev/null"]
        home = {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "TERM": "xterm-256color",
        }
        self._environment = {**os.environ, **home, "LC_ALL": "C.UTF-8"}
        size = ["-x", str(columns), "-y", str(rows)]
        # what stays on the screen after the command has ended can still be read
        self._tmux("new-session", "-d", *size, f"{shlex.join(argv)}; echo status=$?; sleep 1000")

    def _tmux(self, *arguments: str) -> str:
        ended = subprocess.run(
            [*self._base, *arguments], env=self._environment, capture_output=True, text=True, check=True
        )
        return ended.stdout

    @property
    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    @property
    def colours(self) -> str:
        """What is on the screen now, with its escape sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def cells(self) -> str:
        """The same with the blanks at the ends of rows."""
        return self._tmux("capture-pane", "-p", "-e", "-N")

    @property
    def cursor(self) -> tuple[int, int]:
        """The column and row of the cursor, from 0."""
        column, row = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def keys(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type text and enter."""
        self._tmux("send-keys", "-l", text)
        self.press("Enter")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, *texts: str, gone: str | None = None) -> str:
        """Wait until all texts are on the screen and `gone` isn't; returns the screen."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            screen = self.screen
            if all(text in screen for text in texts) and (gone is None or gone not in screen):
                return screen
            assert time.monotonic() < deadline, f"waited for {texts} without {gone!r}:\n{screen}"
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Of the command, the child of the pane's shell."""
        shell = self._tmux("list-panes", "-F", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        """End the server and all that runs in it."""
        subprocess.run([*self._base, "kill-server"], env=self._environment, capture_output=True, check=False)
