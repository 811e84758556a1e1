"""The status file of one start of a container, as its shim replaces it."""

from __future__ import annotations

import os

from msgspec.structs import replace

from engine.runtime.protocol import Launch
from engine.runtime.status import Status, at_start, read, ring, write


class StatusFile:
    """A shim's word on its container.

    Attributes:
        status: what it says.
    """

    def __init__(self, launch: Launch) -> None:
        self._folder = launch.runtime_directory
        self._path = f"{self._folder}/status.json"
        self.status: Status = read(self._path) or at_start(launch, os.getpid())  # its maker has written it

    def update(self, **changes: object) -> None:
        """Replace what has changed, and wake those who want to know."""
        self.status = replace(self.status, **changes)
        write(self._path, self.status)
        ring(self._folder)
