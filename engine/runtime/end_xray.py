"""What a shim asks of the kernel while its container ends, for who ended it and wants to know."""

from __future__ import annotations

from engine.linux import trace
from engine.xray import parts


class EndXray:
    """Of one container; nothing is noted until somebody asks for it."""

    def __init__(self) -> None:
        self._path = ""

    def begin(self, path: str) -> None:
        """Note everything from now on.

        Args:
            path: of the file to write to; the first one counts, and an empty one asks for nothing.
        """
        if path and not self._path:
            self._path = path
            trace.calls.set([])

    def write(self) -> None:
        """Add what has been noted since the last time to the file, if anybody wants it."""
        if self._path:
            parts.append(self._path, parts.take_part("shim"))
