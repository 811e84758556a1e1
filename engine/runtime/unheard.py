"""Incidents of which the kernel tells nobody, noticed by the recorder, which looks once a second, and passed on."""

from __future__ import annotations

import contextlib
import os

from engine.cgroups import trouble
from engine.cgroups.alarms import Kind
from engine.runtime import protocol, unix_socket

_READ_BYTES = 256


class Unheard:
    """Counts of one container that grow in silence.

    Args:
        runtime: its run-time folder.
        cgroup: its path.

    Raises:
        OSError: EMFILE.
    """

    def __init__(self, runtime: str, cgroup: str) -> None:
        self._runtime = runtime
        self._open: dict[Kind, int] = {}
        self._texts: dict[Kind, bytes] = {}
        try:
            for kind, path, text in trouble.find(cgroup).unheard():
                with contextlib.suppress(FileNotFoundError):
                    self._open[kind] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                    self._texts[kind] = text
        except OSError:
            self.close()
            raise

    def pass_on(self) -> None:
        """Have the shim look at what is no longer as it was.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        for kind, descriptor in self._open.items():
            text = os.pread(descriptor, _READ_BYTES, 0)
            if text != self._texts[kind] and _prompt(self._runtime, kind):
                self._texts[kind] = text

    def close(self) -> None:
        """Close everything."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()


def _prompt(runtime: str, kind: Kind) -> bool:
    """Tell the shim, without waiting for it; False when it has no time now."""
    try:
        with unix_socket.connect(runtime, patiently=False) as connection:
            connection.send(protocol.encode(protocol.Look(kind)))
    except OSError:
        return False
    return True
