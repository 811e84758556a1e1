"""What was run from the form lately: kept in ``~/.local/state/boxdeck/runs.json``, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.kept_file import read, write

if TYPE_CHECKING:
    from tui.run_request import Typed

_MOST = 30


class PastRuns:
    """The latest forms that were run.

    Args:
        path: of the file; None keeps them as long as the app runs.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._runs: list[dict[str, str]] | None = None

    @property
    def runs(self) -> list[dict[str, str]]:
        """What stood in the fields of each, by name."""
        if self._runs is None:
            self._runs = read(self._path, list[dict[str, str]]) or [] if self._path is not None else []
        return self._runs

    def add(self, typed: Typed) -> None:
        """Keep one more; the same as one before takes its place."""
        said = {name: text for name, text in typed.items() if text}
        self._runs = [said, *(run for run in self.runs if run != said)][:_MOST]
        if self._path is not None:
            write(msgspec.json.encode(self._runs), self._path)
