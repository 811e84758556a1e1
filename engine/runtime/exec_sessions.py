"""The exec sessions of one container, by who is connected to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.runtime import protocol
from engine.runtime.client import Client
from engine.runtime.exec import Enterable
from engine.runtime.kept import KeptSessions
from engine.runtime.loop import Loop
from engine.runtime.session import ExecSession

Request = protocol.Exec | protocol.Resume | protocol.ListSessions


class ExecSessions:
    """Begins sessions, goes on with those that are kept, and knows whose frames are for which.

    Args:
        find: what there is to enter; asked when something first is.
        ended: called when a session's end has been told to a client.
    """

    def __init__(self, loop: Loop, find: Callable[[], Enterable], ended: Callable[[], None]) -> None:
        self._loop = loop
        self._find = find
        self._container: Enterable | None = None  # kept: reading its configuration costs a tenth of an exec
        self._ended = ended
        self._sessions: dict[Client, ExecSession] = {}
        self._kept = KeptSessions()

    def __contains__(self, client: Client) -> bool:
        return client in self._sessions

    def __iter__(self) -> Iterator[Client]:
        return iter(self._sessions)

    def obey(self, client: Client, request: Request) -> None:
        """Do what a client wants, whose connection a session's streams come over from then on.

        Raises:
            BoxdeckError: it can't be done.
        """
        match request:
            case protocol.Exec():
                self._begin(client, request)
            case protocol.Resume():
                session = self._kept.get(request.name)
                self._sessions[client] = session
                session.resume(client)
            case protocol.ListSessions():
                client.send_message(self._kept.listed())

    def handle(self, client: Client, message: protocol.Message | None, data: bytes) -> None:
        """Act on a frame for the session of a client."""
        self._sessions[client].handle(client, message, data)

    def let_go(self, client: Client) -> None:
        """A client has gone."""
        if (session := self._sessions.pop(client, None)) is not None:
            session.hang_up(client)

    def _begin(self, client: Client, request: protocol.Exec) -> None:
        if request.kept:
            self._kept.require_free(request.kept)
        if self._container is None:
            self._container = self._find()
        session = ExecSession(self._loop, client, request, self._container, self._told)
        self._sessions[client] = session
        if request.kept:
            self._kept.add(request.kept, session)

    def _told(self, client: Client) -> None:
        self._sessions.pop(client, None)
        self._ended()
