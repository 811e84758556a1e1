"""Where a shim sends what its container writes."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from engine.runtime.log_compression import LogCompression
from engine.runtime.logs import LogWriter
from engine.runtime.loop import Loop
from engine.runtime.protocol import Launch


class Log(Protocol):
    """Takes output, and never fails for it."""

    def write(self, stream: bytes, data: bytes) -> None:
        """Take bytes of ``b"stdout"`` or ``b"stderr"``."""

    def close(self) -> None:
        """Keep what is unfinished, too, and close."""


def open_log(loop: Loop, launch: Launch) -> Log:
    """What the container is to have."""
    config = launch.log_config
    if config.driver == "file":
        compression = partial(LogCompression, loop, launch.log, config.max_files) if config.compress else None
        return LogWriter(launch.log, config.max_bytes, config.max_files, compression)
    from engine.log_config import JOURNAL  # few containers have these
    from engine.runtime.journal import JournalWriter, NoLog

    return JournalWriter(JOURNAL, launch.journal_fields) if config.driver == "journald" else NoLog()
