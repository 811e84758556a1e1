"""The shim's socket by name, below folders whose path may be longer than a socket address (unix(7): 108 bytes)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "shim.sock"


def listen(folder: Path) -> socket.socket:
    """Listen in a folder, replacing a socket that an earlier shim left there."""
    (folder / NAME).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with _short(folder) as path:
        listener.bind(path)
    os.chmod(folder / NAME, 0o600)
    listener.listen(64)
    return listener


def connect(folder: Path) -> socket.socket:
    """Connect to the shim of a container's run-time folder.

    Raises:
        OSError: FileNotFoundError or ConnectionRefusedError when there is no shim.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _short(folder) as path:
            connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
