"""A further process in a container, made by us alone: cloned, on its way watched until execve, then left to itself."""

from __future__ import annotations

import os
import signal
import socket
from typing import NamedTuple, NoReturn

from engine.errors import BoxdeckError
from engine.linux import prctl
from engine.oci.process_spec import Process
from engine.runtime import exec as entering
from engine.runtime import protocol
from engine.runtime.birth import receive_with_descriptor


class Guest(NamedTuple):
    """A process that was executed in a container; our child.

    Attributes:
        master: of its terminal, if it has one.
    """

    pid: int
    pidfd: int
    master: int | None


def enter(container: entering.Enterable, process: Process, preserved: int = 0) -> Guest:
    """Run a process in a container, with our own standard streams unless it wants a terminal.

    Args:
        preserved: how many of our descriptors from 3 on it inherits.

    Raises:
        BoxdeckError: it can't be executed; nothing is left of it then.
    """
    prctl.set_dumpable(False)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            child = entering.clone_into(container)
            if child.pid == 0:
                ours.close()
                _become(container, process, theirs, preserved)
        try:
            return Guest(child.pid, child.pidfd, _await_execution(ours, container, child.pid))
        except BoxdeckError:
            signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            raise


def _become(container: entering.Enterable, process: Process, sync: socket.socket, preserved: int) -> NoReturn:
    stdio = None if process.terminal else (0, 1, 2)
    entering.main(entering.Entry(process, container, stdio, sync, preserved))


def _await_execution(sync: socket.socket, container: entering.Enterable, pid: int) -> int | None:
    """Until execve closes the socket; the master of its terminal arrives on the way."""
    master = None
    while True:
        message, descriptor = receive_with_descriptor(sync)
        if isinstance(message, protocol.Failed):
            raise message.error()
        if isinstance(message, protocol.Listener) and descriptor is not None:
            entering.pass_listener_on(descriptor, container, pid)
            continue
        master = descriptor if descriptor is not None else master
        if message is None:
            return master
