"""What init and exec let go of before they take anything from the container: imports, descriptors, signal handling."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Collection

from engine.linux import descriptors, signals
from engine.runtime import protocol

CHANGED_SIGNALS = tuple(
    int(number)
    for number in (
        signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
    )
)  # fmt: skip


_IMPORTS = sys.meta_path, sys.path  # held, so that what they hold needn't be given back, page by page


def forget_imports() -> None:
    """No import from here on: the container's files would answer it."""
    sys.meta_path, sys.path = [], []


def close_what_leads_out(keep: Collection[socket.socket], preserved: int = 0) -> None:
    """Let go of all descriptors but the standard streams, sockets of ours and those that the caller wants preserved.

    Closing them at execve is too late: the working directory, PATH and the program are names that the image may
    choose, and /proc/self/fd/N of an inherited folder is a way to the host (CVE-2024-21626).
    """
    descriptors.close_all_but({*range(3 + preserved), *(connection.fileno() for connection in keep)})


def restore_signals() -> None:
    """Undo what Python did to signals: dispositions survive execve where they are "ignore"."""
    signals.restore(*CHANGED_SIGNALS)


def send_listener(starter: socket.socket, descriptor: int) -> None:
    """Send the descriptor that a seccomp filter notifies through to whoever waits for the execution."""
    socket.send_fds(starter, [protocol.encode(protocol.Listener())], [descriptor])
    os.close(descriptor)
