"""What a pane needs of a process on a terminal; `engine.session.Session` offers it."""

from __future__ import annotations

from typing import Protocol

from engine.model import Chunk


class TerminalSession(Protocol):
    """A process at the other end of a pseudo-terminal."""

    @property
    def past(self) -> bytes:
        """What it wrote before anybody looked at it here; it was answered then, where that was wanted."""

    async def read(self) -> Chunk | None:
        """The next output; None when there will be no more."""

    async def write(self, data: bytes) -> None:
        """Type something."""

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the process how large its terminal is."""

    async def hang_up(self) -> None:
        """Take its terminal away, so that it ends."""

    async def wait(self) -> int:
        """The exit status, 128 + n when killed by signal n."""

    async def close(self) -> None:
        """Let go of the process."""
