"""A seccomp agent: what decides about calls that a filter asks somebody about (seccomp_unotify(2))."""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import socket
import struct
import threading
from pathlib import Path
from typing import Any

RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND


class Agent:
    """Listens where config.json says, and answers every call that it is asked about with an errno.

    Attributes:
        message: the container process state that came with the listener.
        asked: numbers of the calls.
    """

    def __init__(self, folder: Path, answer: int, name: str = "agent.sock") -> None:
        self.path = str(folder / name)
        self.message: dict[str, Any] = {}
        self.asked: list[int] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._answer = answer
        self._heard = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._listener.accept()[0] as connection:
            text, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 4)
            self.message = json.loads(text)
        self._heard.set()
        (listener,) = descriptors
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while poll.poll(30_000)[0][1] & select.POLLIN:  # POLLHUP when nobody is under the filter any more
            self._answer_one(listener)
        os.close(listener)

    def _answer_one(self, listener: int) -> None:
        request = array.array("B", bytes(80))
        fcntl.ioctl(listener, RECEIVE, request)
        identity, _pid, _flags, number = struct.unpack_from("=QIIi", request)
        self.asked.append(number)
        fcntl.ioctl(listener, SEND, struct.pack("=QqiI", identity, 0, -self._answer, 0))

    def await_message(self) -> None:
        """Until the listener has come."""
        assert self._heard.wait(30)

    def join(self) -> None:
        """Until nobody is under the filter any more."""
        self._thread.join(30)
        self._listener.close()
