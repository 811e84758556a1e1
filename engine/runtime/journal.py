"""A container's output as entries of the machine's journal (systemd.io, "Native Journal Protocol").

The fields are those of docker's driver, so that ``journalctl CONTAINER_NAME=web`` finds both's. A journal that doesn't
take entries any more holds us up for half a second in five at most: what is written meanwhile is lost to it.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from struct import Struct

from engine.runtime.logs import PART_SIZE

_LENGTH = Struct("<Q")
_PRIORITIES = {b"stdout": b"6", b"stderr": b"3"}  # syslog(3): LOG_INFO and LOG_ERR, as docker has it
_PATIENCE_SECONDS = 0.5  # for one entry; then nothing is sent for a while
_SILENCE_SECONDS = 5.0
_SEND_BYTES = 1 << 20


class JournalWriter:
    """Sends each line as an entry; one that is longer than `PART_SIZE` comes in parts, which say so.

    Args:
        path: of the journal's socket.
        fields: of every entry, by name.
    """

    def __init__(self, path: str, fields: dict[str, str]) -> None:
        self._path = path
        self._fields = b"".join(_field(name.encode(), value.encode()) for name, value in fields.items())
        self._pending: dict[bytes, bytes] = {}
        self._socket: socket.socket | None = None
        self._silent_until = 0.0

    def write(self, stream: bytes, data: bytes) -> None:
        """Take bytes of ``b"stdout"`` or ``b"stderr"``."""
        *lines, rest = (self._pending.pop(stream, b"") + data).split(b"\n")
        for line in lines:
            self._send(stream, line)
        while len(rest) >= PART_SIZE:
            self._send(stream, rest[:PART_SIZE], is_part=True)
            rest = rest[PART_SIZE:]
        if rest:
            self._pending[stream] = rest

    def close(self) -> None:
        """Send what is unfinished."""
        for stream, rest in self._pending.items():
            self._send(stream, rest)
        self._pending.clear()
        self._hang_up()

    def _send(self, stream: bytes, line: bytes, is_part: bool = False) -> None:
        if time.monotonic() < self._silent_until:
            return
        entry = self._fields + _field(b"PRIORITY", _PRIORITIES[stream]) + _field(b"MESSAGE", line)
        if is_part:
            entry += _field(b"CONTAINER_PARTIAL_MESSAGE", b"true")
        for _ in range(2):  # a journal that was started anew has another socket
            try:
                self._connection().send(entry)
                return
            except TimeoutError:
                self._silent_until = time.monotonic() + _SILENCE_SECONDS
                return
            except OSError:
                self._hang_up()

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(_PATIENCE_SECONDS)
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            self._socket.connect(self._path)
        return self._socket

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class NoLog:
    """Keeps nothing."""

    def write(self, stream: bytes, data: bytes) -> None:
        """Take it and forget it."""

    def close(self) -> None:
        """Nothing to do."""


def _field(name: bytes, value: bytes) -> bytes:
    """In the form with a length: it may have newlines and any bytes."""
    return b"%s\n%s%s\n" % (name, _LENGTH.pack(len(value)), value)
