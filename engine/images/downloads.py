"""Downloads that nobody went on with."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

from engine.paths import Paths

_STALE_SECONDS: Final = 7 * 86_400


def sweep(paths: Paths, older_than_seconds: float = _STALE_SECONDS) -> None:
    """Delete what hasn't grown for so long. Blocks on the disk."""
    oldest = time.time() - older_than_seconds
    for path in paths.downloads.glob("*"):
        with suppress(FileNotFoundError):  # another engine was faster
            if path.stat().st_mtime < oldest:
                path.unlink()
