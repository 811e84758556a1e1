"""An exec session, seen from the shim: a further process and the connections that are its streams."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from engine.linux import trace
from engine.oci.process_spec import Process
from engine.runtime import exec as entering
from engine.runtime import protocol, userns
from engine.runtime.birth import receive_with_descriptor
from engine.runtime.client import Client
from engine.runtime.kept import Past
from engine.runtime.loop import Loop
from engine.runtime.stdio import Pipes, Streams, open_pipes
from engine.xray import parts
from engine.xray.parts import Room

_LINGER_SECONDS = 0.1  # for output still on its way when the process ends and others keep its streams open


def exit_status(status: int) -> int:
    """A status of waitpid(2) as shells show it: 128 + n for signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class ExecSession:
    """One further process; ends when the process ends, tells its clients the exit status and closes them.

    Raises:
        BoxdeckError: the process could not be executed; nothing is left of it then.
    """

    def __init__(
        self,
        loop: Loop,
        client: Client,
        request: protocol.Exec,
        container: entering.Enterable,
        ended: Callable[[Client], None],
    ) -> None:
        self._loop = loop
        self._ended = ended
        self._clients = [client]
        self._container = container
        self._feeds = request.interactive
        self._is_kept = bool(request.kept)
        self._detached = request.detached or self._is_kept
        self._past = Past() if self._is_kept else None
        self._streams = Streams(loop, self._past, self._finish_if_over)
        self._room, self._xray = Room() if request.xray else None, request.xray
        self._pipes = self._open_pipes(request)
        self._master: int | None = None
        self._failure: protocol.Failed | None = None
        self._status: int | None = None
        self._begun = False
        try:
            self._spawn(request.process)
        except BaseException:
            if self._pipes is not None:
                self._pipes.close()
            raise
        loop.watch(self._pidfd, self._reap)
        loop.watch(self._sync.fileno(), self._hear)

    def _open_pipes(self, request: protocol.Exec) -> Pipes | None:
        if request.process.terminal:
            return None
        return open_pipes(request.interactive, userns.owner(self._container.spec, request.process))

    def _spawn(self, process: Process) -> None:
        if self._room is None:
            return self._clone(process)
        token = trace.calls.set([])
        try:
            self._clone(process)
            self._shims_part = parts.take_part("shim")
        finally:
            trace.calls.reset(token)
        return None

    def _clone(self, process: Process) -> None:
        self._sync, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._pid, self._pidfd = entering.clone_into(self._container)
        except BaseException:
            self._sync.close()
            theirs.close()
            raise
        if self._pid == 0:
            if self._room is not None:
                self._room.begin("exec")
            stdio = self._pipes.child if self._pipes else None
            entering.main(entering.Entry(process, self._container, stdio, theirs))
        theirs.close()
        if self._pipes is not None:
            self._pipes.close_child_ends()

    def _hear(self) -> None:
        """A word of the child on its way to execve, which closes the socket.

        It is never waited for: root of the container may stop the child where it likes.
        """
        message, master = receive_with_descriptor(self._sync)
        if isinstance(message, protocol.Listener) and master is not None:
            return entering.pass_listener_on(master, self._container, self._pid)
        if master is not None:
            self._master = master
        elif isinstance(message, protocol.Failed):
            self._failure = message
        if message is None or self._failure is not None:
            self._loop.forget(self._sync.fileno())
            self._sync.close()
            self._write_xray()
        if message is None:
            self._begin()
        return None

    def _write_xray(self) -> None:
        if self._room is not None:
            parts.append(self._xray, self._shims_part + self._room.content())
            self._room.close()
            self._room = None

    def _begin(self) -> None:
        self._begun = True
        for client in self._clients:
            client.send_message(protocol.Running(self._pid))
        if all(client.closed for client in self._clients) and not self._is_kept:
            return self._let_go()
        for client in self._clients:
            self._streams.add_viewer(client, feeds=self._feeds)
        if self._pipes is not None:
            pipes, self._pipes = self._pipes, None
            self._streams.use_pipes(pipes)
        elif self._master is not None:
            master, self._master = self._master, None
            self._streams.use_terminal(master)
        return None

    def _let_go(self) -> None:
        """Close what a process that was never executed would have had as its streams."""
        if self._pipes is not None:
            self._pipes.close_own_ends()
        if self._master is not None:
            os.close(self._master)
        self._pipes = self._master = None

    @property
    def has_ended(self) -> bool:
        """Whether its process has."""
        return self._status is not None

    @property
    def is_viewed(self) -> bool:
        """Whether anybody is connected to it."""
        return bool(self._clients)

    def resume(self, client: Client) -> None:
        """Show a kept session to a further client."""
        client.send_message(protocol.Resumed(self._past.data if self._past is not None else b""))
        self._clients.append(client)
        if self._begun:
            self._streams.add_viewer(client, feeds=self._feeds)

    def handle(self, client: Client, message: protocol.Message | None, data: bytes) -> None:
        """Act on a frame of a client's: input, its end, or a new size."""
        if message is None:
            self._streams.write(client, data)
        elif isinstance(message, protocol.Resize | protocol.CloseStdin):
            self._streams.obey(message)
        elif isinstance(message, protocol.Kill):
            self.kill(message.signal)
            if message.group:
                self._kill_group(message.signal)

    def kill(self, number: int) -> None:
        """Send the process a signal; nothing happens when it has ended."""
        if self._status is None:
            with suppress(OSError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _kill_group(self, number: int) -> None:
        """The process leads a session and with it a group, whose number is nobody else's until it is waited for."""
        if self._status is None:
            with suppress(OSError):
                os.killpg(self._pid, number)

    def hang_up(self, client: Client) -> None:
        """A client has gone: close the streams after the last, so that a shell on a terminal ends.

        A process that is detached or kept goes on.
        """
        self._streams.remove_viewer(client)
        self._clients.remove(client)
        if self._clients:
            return
        if not self._begun:  # nobody is left who wants it to be executed
            self.kill(signal.SIGKILL)
        if not (self._detached and self._begun):
            self._streams.close()

    def _reap(self) -> None:
        self._loop.forget(self._pidfd)
        _, status = os.waitpid(self._pid, 0)
        os.close(self._pidfd)
        while self._sync.fileno() >= 0:  # it has ended, so this ends, too
            self._hear()
        self._status = exit_status(status)
        if not self._streams.at_end:
            self._loop.call_later(_LINGER_SECONDS, self._finish)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        if self._status is not None and self._streams.at_end:
            self._finish()

    def _finish(self) -> None:
        if self._status is None or all(client.closed for client in self._clients):
            if self._is_kept and self._status is not None:
                self._streams.close()
            return self._let_go()
        self._streams.drain()
        for client in self._clients:
            client.send_message(self._failure or protocol.Exited(self._status))
            client.finish(partial(self._ended, client))
        self._streams.close()
        return self._let_go()
