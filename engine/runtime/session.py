"""An exec session, seen from the shim: a further process and the connection that is its streams."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import NamedTuple

from engine.cgroups.manager import Cgroup
from engine.errors import RuntimeFailure
from engine.linux import clone, namespaces
from engine.oci.runtime_spec import Spec
from engine.runtime import exec as entering
from engine.runtime import protocol
from engine.runtime.birth import receive_with_descriptor
from engine.runtime.client import Client
from engine.runtime.loop import Loop
from engine.runtime.stdio import Pipes, Streams, open_pipes

_LINGER_SECONDS = 0.1  # for output still on its way when the process ends and others keep its streams open


def exit_status(status: int) -> int:
    """A status of waitpid(2) as shells show it: 128 + n for signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class Enterable(NamedTuple):
    """What there is to enter: `pidfd` is of the container's first process."""

    spec: Spec
    pidfd: int
    cgroup: Cgroup


class ExecSession:
    """One further process; ends when the process ends, tells the client its exit status and closes it.

    Raises:
        BoxdeckError: the process could not be executed; nothing is left of it then.
    """

    def __init__(
        self,
        loop: Loop,
        client: Client,
        request: protocol.Exec,
        container: Enterable,
        ended: Callable[[Client], None],
    ) -> None:
        self._loop = loop
        self._ended = ended
        self._client = client
        self._streams = Streams(loop, None, self._finish_if_over)
        self._status: int | None = None
        self._pid, self._pidfd = self._spawn(request, container)
        loop.watch(self._pidfd, self._reap)
        client.send_message(protocol.Running(self._pid))
        self._streams.add_viewer(client, feeds=request.interactive)

    def _spawn(self, request: protocol.Exec, container: Enterable) -> tuple[int, int]:
        pipes = None if request.process.terminal else open_pipes(request.interactive)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        child = _clone_into(container)
        if child.pid == 0:
            flags = entering.namespace_flags(container.spec)
            stdio = pipes.child if pipes else None
            entering.main(entering.Entry(request.process, container.pidfd, container.cgroup, flags, stdio, theirs))
        theirs.close()
        self._take_streams(ours, child, pipes)
        return child.pid, child.pidfd

    def _take_streams(self, sync: socket.socket, child: clone.Child, pipes: Pipes | None) -> None:
        """Wait for execve, which closes the socket, and begin to pump."""
        if pipes is not None:
            self._streams.use_pipes(pipes)
        with sync:
            while (received := receive_with_descriptor(sync))[0] is not None:
                message, master = received
                if isinstance(message, protocol.Failed):
                    self._abandon(child)
                    raise message.error()
                if master is not None:
                    self._streams.use_terminal(master)

    def _abandon(self, child: clone.Child) -> None:
        os.waitpid(child.pid, 0)
        os.close(child.pidfd)
        self._status = None
        self._streams.close()

    def handle(self, message: protocol.Message | None, data: bytes) -> None:
        """Act on a frame of the client's: input, its end, or a new size."""
        if message is None:
            self._streams.write(data)
        elif isinstance(message, protocol.Resize):
            self._streams.resize(message.rows, message.columns)
        elif isinstance(message, protocol.CloseStdin):
            self._streams.close_input()
        elif isinstance(message, protocol.Kill):
            self.kill(message.signal)

    def kill(self, number: int) -> None:
        """Send the process a signal; nothing happens when it has ended."""
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except OSError:
            return

    def hang_up(self) -> None:
        """The client has gone: close the streams, so that a shell on a terminal ends."""
        self._streams.remove_viewer(self._client)
        self._streams.close()

    def _reap(self) -> None:
        self._loop.forget(self._pidfd)
        _, status = os.waitpid(self._pid, 0)
        os.close(self._pidfd)
        self._status = exit_status(status)
        if not self._streams.at_end:
            self._loop.call_later(_LINGER_SECONDS, self._finish)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        if self._status is not None and self._streams.at_end:
            self._finish()

    def _finish(self) -> None:
        if self._status is None or self._client.closed:
            return
        self._streams.drain()
        self._client.send_message(protocol.Exited(self._status))
        self._client.finish(lambda: self._ended(self._client))
        self._streams.close()


def _clone_into(container: Enterable) -> clone.Child:
    """A child in the container's pid namespace (and cgroup on v2); it enters everything else itself."""
    try:
        if entering.namespace_flags(container.spec) & namespaces.CLONE_NEWPID:
            return _clone_inside(container)
        return clone.clone(0, container.cgroup.descriptor)
    except OSError as error:
        raise RuntimeFailure(
            f"the container can't be entered ({error.strerror})", "see whether it still runs"
        ) from error


def _clone_inside(container: Enterable) -> clone.Child:
    """Clone while our children are born in the container's pid namespace; the child must not come back from there."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    child = None
    try:
        namespaces.setns(container.pidfd, namespaces.CLONE_NEWPID)
        child = clone.clone(0, container.cgroup.descriptor)
        return child
    finally:
        if child is None or child.pid != 0:
            namespaces.setns(home, namespaces.CLONE_NEWPID)
        os.close(home)
