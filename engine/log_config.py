"""Where what a container writes is kept, and how much of it."""

from __future__ import annotations

import os
from typing import Literal

from msgspec import Struct

from engine.errors import InvalidRequest, Unsupported

LogDriver = Literal["file", "none", "journald"]
DRIVERS: tuple[LogDriver, ...] = ("file", "none", "journald")
SMALLEST_FILE_BYTES = 128 * 1024  # the longest line that is written in one go must fit
MOST_FILES = 1000
JOURNAL = "/run/systemd/journal/socket"  # systemd.io, "Native Journal Protocol"


class LogConfig(Struct, frozen=True, kw_only=True):
    """What is to become of a container's output.

    Attributes:
        driver: ``file`` for files of its own, ``journald`` for the machine's journal, ``none`` for nothing.
        max_bytes: of each file.
        max_files: how many files there are at most; the oldest is forgotten.
        compress: those that are full.
        labels, env: names of labels and variables of the container that belong to each line (`engine.log_attributes`).
    """

    driver: LogDriver = "file"
    max_bytes: int = 10 * 1024 * 1024
    max_files: int = 3
    compress: bool = True
    labels: tuple[str, ...] = ()
    env: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what can't be done.

        Raises:
            InvalidRequest: a file that is too small for a line, or no file at all.
            Unsupported: there is no journal here.
        """
        if self.max_bytes < SMALLEST_FILE_BYTES:
            raise InvalidRequest(
                f"a log can't be kept in files of {self.max_bytes} bytes", "let max-size be at least 128k"
            )
        if not 1 <= self.max_files <= MOST_FILES:
            raise InvalidRequest(
                f"{self.max_files} is no number of log files", f"let max-file be between 1 and {MOST_FILES}"
            )
        if self.driver == "journald" and not os.path.exists(JOURNAL):
            raise Unsupported(f"there is no journal on this machine ({JOURNAL})", "leave --log-driver out")
