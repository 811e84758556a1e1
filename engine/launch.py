"""The engine's hand on its launcher: started at the first need, asked for one shim at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

from engine import descriptors
from engine.cgroups import delegation
from engine.errors import RuntimeFailure
from engine.import_folders import import_folders
from engine.linux import memfd, trace
from engine.runtime import protocol

_BOOTSTRAP = (
    "import sys, os; os.close(int(sys.argv[2])); sys.path[:0] = sys.argv[4:];"
    " sys.modules['typing_extensions'] = None;"  # msgspec does without it, and without the megabytes that it imports
    " from engine.runtime.launcher import main; main(int(sys.argv[1]), bool(int(sys.argv[3])))"
)


class Launcher:
    """One fork server (see `engine.runtime.launcher`); it ends by itself when this process does.

    Args:
        scope: the parent of all cgroups (`engine.cgroups.delegation`), which it lives in where systemd wants that.
    """

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The launcher's pid; None before the first start."""
        return self._process.pid if self._process else None

    async def launch(self, request: protocol.Launch, hold: socket.socket | None = None) -> socket.socket:
        """Start a shim and wait until the container is created, or with `request.start` running.

        Args:
            hold: what keeps its ports (`engine.network.port_reservation`), of which the shim gets a copy.

        Returns:
            The socket that the shim reported on; with `request.attach` the process's streams come from there.

        Raises:
            BoxdeckError: what the shim reports.
        """
        report, message = await self._ask(request, hold)
        if message is None and not os.path.exists(f"{request.runtime_directory}/status.json"):
            report.close()  # nobody has begun: a launcher that was killed took the request with it
            report, message = await self._ask(request, hold)
        if isinstance(message, protocol.Failed):
            report.close()
            raise message.error()
        if message is None:
            report.close()
            raise RuntimeFailure("the shim died before the container ran", "look at dmesg and try again")
        return report

    async def _ask(
        self, request: protocol.Launch, hold: socket.socket | None
    ) -> tuple[socket.socket, protocol.Message | None]:
        """Send a request; where the answers come from, and the first; None when all who could answer have gone."""
        report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            report.setblocking(False)
            with theirs:
                self._send(request, [theirs] if hold is None else [theirs, hold])
            return report, await receive(report)
        except BaseException:
            report.close()
            raise

    def _send(self, request: protocol.Launch, rights: list[socket.socket]) -> None:
        frame = protocol.encode(request)
        for attempt in (1, 2):  # a launcher that was killed is replaced once
            try:
                descriptors = [right.fileno() for right in rights]
                socket.send_fds(self._connection(), [frame], descriptors, socket.MSG_NOSIGNAL)
                return
            except OSError as error:
                self.close()
                if attempt == 2:
                    raise RuntimeFailure(f"the launcher can't be reached ({error.strerror})") from error

    def _connection(self) -> socket.socket:
        if self._requests is None:
            self._start()
        assert self._requests is not None
        return self._requests

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        is_moved = delegation.is_needed()
        interpreter = memfd.sealed_copy(os.path.realpath(sys.executable), "boxdeck-launcher")
        begun = trace.now()
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    _BOOTSTRAP,
                    str(theirs.fileno()),
                    str(interpreter),
                    str(int(is_moved)),
                    *import_folders(),
                ],
                executable=f"/proc/self/fd/{interpreter}",
                pass_fds=(theirs.fileno(), interpreter),
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(interpreter)
            theirs.close()
        trace.note(begun, "vfork", (), self._process.pid, path="launcher")
        descriptors.give_back(self._process.pid)
        self._requests = ours
        if is_moved:
            delegation.enter(self._scope, self._process.pid)

    def close(self) -> None:
        """Let the launcher end; its shims live on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            self._process.wait()
            self._process = None


async def receive(connection: socket.socket) -> protocol.Message | None:
    """The next message on a non-blocking socket; None when the other side has closed it."""
    try:
        frame = await asyncio.get_running_loop().sock_recv(connection, protocol.FRAME_SIZE)
    except ConnectionError:
        return None
    return protocol.decode(frame) if frame else None
