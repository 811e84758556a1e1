"""Terminals: who gets the master of a process's terminal (runc, docs/terminals.md)."""

from __future__ import annotations

import os
import socket

from engine.errors import InvalidRequest, RuntimeFailure
from engine.oci.process_spec import Process


def check(process: Process | None, console_socket: str, detach: bool) -> None:
    """Make sure that a terminal has somebody to belong to, and a socket a terminal to get.

    Raises:
        InvalidRequest: that isn't so.
    """
    wants_terminal = process is not None and process.terminal
    if wants_terminal and detach and not console_socket:
        raise InvalidRequest("the process wants a terminal, but there is nobody to give it to", "add --console-socket")
    if console_socket and not wants_terminal:
        raise InvalidRequest("--console-socket waits for a terminal, but the process wants none", "leave it out")


def send(path: str, master: int) -> None:
    """Send a terminal to the socket of a caller, and let go of it.

    Raises:
        RuntimeFailure: nobody takes it.
    """
    try:
        send_descriptor(path, b"/dev/ptmx", master)
    finally:
        os.close(master)


def send_descriptor(path: str, name: bytes, descriptor: int) -> None:
    """Send any descriptor, with its name as the message.

    Raises:
        RuntimeFailure: nobody takes it.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            socket.send_fds(connection, [name], [descriptor])
    except OSError as error:
        raise RuntimeFailure(
            f"a descriptor can't be sent to {path} ({error.strerror})", "see who listens there"
        ) from error
