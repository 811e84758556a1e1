"""Exec sessions that a shim keeps when nobody looks at them: the names that they have, and what they wrote last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Conflict, NotFound
from engine.runtime import protocol

if TYPE_CHECKING:
    from engine.runtime.session import ExecSession

PAST_BYTES = 64 * 1024  # several screens full of colours; as JSON it fits into one frame


class Past:
    """The last output of a session, from the beginning of a line on."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._is_cut = False

    def write(self, stream: bytes, data: bytes) -> None:
        """Take further output; all of a terminal's is one stream."""
        self._data += data
        excess = len(self._data) - PAST_BYTES
        if excess > 0:
            del self._data[:excess]
            self._is_cut = True

    @property
    def data(self) -> bytes:
        """At most `PAST_BYTES`, without the rest of a line that has lost its beginning."""
        begin = self._data.find(b"\n") + 1 if self._is_cut else 0
        return bytes(self._data[begin:])


class KeptSessions:
    """Those of one container, by name; one that is over is forgotten when it is asked for."""

    def __init__(self) -> None:
        self._sessions: dict[str, ExecSession] = {}

    def require_free(self, name: str) -> None:
        """See that no session has that name.

        Raises:
            Conflict: one that runs has.
        """
        if name in self._running():
            raise Conflict(f"a session is called {name} already", "go on with that one, or choose another name")

    def add(self, name: str, session: ExecSession) -> None:
        """Keep a session."""
        self._sessions[name] = session

    def get(self, name: str) -> ExecSession:
        """The session with that name.

        Raises:
            NotFound: none that runs.
        """
        if (session := self._running().get(name)) is None:
            raise NotFound(f"no session is called {name}", "it has ended")
        return session

    def listed(self) -> protocol.SessionList:
        """All that run."""
        running = self._running().items()
        return protocol.SessionList(tuple(protocol.KeptSession(name, each.is_viewed) for name, each in running))

    def _running(self) -> dict[str, ExecSession]:
        self._sessions = {name: session for name, session in self._sessions.items() if not session.has_ended}
        return self._sessions
