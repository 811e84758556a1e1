"""Streams of containers: their terminals, further processes in them, and what they wrote."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from msgspec.structs import replace

from engine import container_files, joining, log_reader, shims
from engine.errors import CommandNotExecutable, CommandNotFound, Conflict, InvalidRequest, NotFound, RuntimeFailure
from engine.exec_process import compile_exec
from engine.login_shell import shells
from engine.lookup import Lookup
from engine.model import Container, ExecRequest, LogLine
from engine.paths import Paths
from engine.runtime import protocol
from engine.runtime.protocol import KeptSession
from engine.session import Session
from engine.xray.actions import recorded


class Streams:
    """Attaches to containers, runs further processes in them and reads their logs."""

    def __init__(self, paths: Paths, lookup: Lookup) -> None:
        self._paths = paths
        self._lookup = lookup

    async def attach(self, reference: str, *, past: bool = False) -> Session:
        """As `Containers.attach`."""
        container = await self._lookup.get_moving(reference)
        message = protocol.Attach(stdin=container.request.interactive, past=past)
        connection, answer = await self._connected(container, message)
        before = answer.past if isinstance(answer, protocol.Resumed) else b""  # shims of earlier versions have none
        follow_up = self._lookup.follow_up(container)
        return Session(connection, container, container.request.tty, follow_up, past=before)

    async def exec(self, reference: str, request: ExecRequest) -> Session:
        """As `Containers.exec`."""
        container = await self._lookup.get_moving(reference)
        if request.kept is not None and not (request.kept and request.tty):
            raise InvalidRequest("a session that is kept needs a name and a terminal", "give it both, as with -t")
        with recorded(self._paths, "exec", container.id, container.name) as xray:
            message = protocol.Exec(
                process=compile_exec(joining.spec(self._paths, container.id), container.pid, request),
                interactive=request.interactive,
                detached=request.detached,
                kept=request.kept or "",
                xray=xray,
            )
            connection, _ = await self._connected(container, message)
        return Session(connection, container, request.tty)

    async def shell(self, reference: str, request: ExecRequest) -> Session:
        """As `Containers.shell`."""
        container = await self._lookup.get_moving(reference)
        process = joining.spec(self._paths, container.id).process
        passwd = container_files.read(container.pid, "etc/passwd")
        for shell in shells(passwd, process.user.uid if process is not None else 0):
            with suppress(CommandNotFound, CommandNotExecutable):
                return await self.exec(container.id, replace(request, argv=(shell,)))
        raise CommandNotFound(f"{container.name} has no shell", f"bring one in with: boxdeck debug {container.name}")

    async def _connected(
        self, container: Container, message: protocol.Message
    ) -> tuple[socket.socket, protocol.Message]:
        """A connection that has become a stream, and the shim's answer."""
        connection = shims.connect(self._paths.runtime(container.id))
        try:
            await shims.post(connection, message)
            return connection, await shims.answer(connection)
        except BaseException:
            connection.close()
            raise

    async def sessions(self, reference: str) -> tuple[KeptSession, ...]:
        """As `Containers.sessions`."""
        container = await self._lookup.get_running(reference)
        try:
            answer = await shims.ask(self._paths.runtime(container.id), protocol.ListSessions())
        except RuntimeFailure:  # a shim of an earlier version keeps none, and doesn't understand the question
            return ()
        assert isinstance(answer, protocol.SessionList)
        return answer.sessions

    async def resume(self, reference: str, name: str) -> Session:
        """As `Containers.resume`."""
        container = await self._lookup.get_moving(reference)
        connection, answer = await self._connected(container, protocol.Resume(name))
        assert isinstance(answer, protocol.Resumed)
        return Session(connection, container, tty=True, past=answer.past)

    async def logs(self, reference: str, wanted: log_reader.Reading) -> AsyncIterator[LogLine]:
        """As `Containers.logs`."""
        container = await self._lookup.get(reference)

        async def is_running() -> bool:
            try:
                return (await self._lookup.get(container.id)).is_running
            except NotFound:
                return False

        config = container.request.log
        if config.driver != "file":
            raise Conflict(
                f"{container.name} keeps no log of its own (--log-driver {config.driver})", _elsewhere(container)
            )
        async for line in log_reader.read(self._paths.log(container.id), config.max_files, wanted, is_running):
            yield line


def _elsewhere(container: Container) -> str:
    """Where its output is instead."""
    if container.request.log.driver == "journald":
        return f"read it with: journalctl CONTAINER_NAME={container.name}"
    return f"see what it writes from now on with: boxdeck attach {container.name}"
