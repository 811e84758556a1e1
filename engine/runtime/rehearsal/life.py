"""What a shim does for its container: from what a maker delivers to the last word on how it ended.

The container is a child of ours that ends at once, and its folder a tmpfs that is mounted nowhere.
"""

from __future__ import annotations

import os
import socket

from engine.linux import clone
from engine.runtime import protocol, unix_socket
from engine.runtime.keeper import Keeper
from engine.runtime.status import at_start, write


def live(folder: str) -> None:
    """Be such a container's shim.

    SIGCHLD must be at its default, or its end is nobody's to hear of.

    Args:
        folder: an empty one, for what a shim keeps in files. It isn't empty afterwards.

    Raises:
        OSError, BoxdeckError: we may not do what it takes.
    """
    name = "rehearsal"
    launch = protocol.Launch(
        container_id=name,
        generation=1,
        bundle=folder,
        cgroup=f"/{name}",
        runtime_directory=folder,
        log=f"{folder}/log",
        attach=True,
    )
    write(f"{folder}/status.json", at_start(launch, os.getpid()))
    engine, report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    maker, making = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with engine, report, making:
        with maker:
            child = _deliver(maker, folder)
        Keeper(launch, report, making, child, []).run()


def _deliver(maker: socket.socket, folder: str) -> int:
    """As a maker does: a program that has been executed, its streams and the shim's socket; the program's pid."""
    ours, inits = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stdout, stderr = _said(), _said()
    with ours, inits, unix_socket.listen(folder) as listener:
        child = clone.clone(0)
        if child.pid == 0:
            os._exit(0)
        os.close(child.pidfd)
        message = protocol.Delivered(pid=child.pid, started=True, terminal=False, ready=True, leftovers=())
        mounts = stdout  # anything: a shim doesn't look what it is
        socket.send_fds(maker, [protocol.encode(message)], [ours.fileno(), listener.fileno(), mounts, stdout, stderr])
    os.close(stdout)
    os.close(stderr)
    return child.pid


def _said() -> int:
    """A pipe with a line in it, that nobody writes to any more."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.write(writing, b"a line\n")
    os.close(writing)
    return reading
