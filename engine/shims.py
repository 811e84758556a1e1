"""Talking to the shim of a running container."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import Conflict, InvalidRequest, RuntimeFailure
from engine.launch import receive
from engine.runtime import protocol, unix_socket


def connect(runtime: Path) -> socket.socket:
    """A connection to the shim of a run-time folder.

    Raises:
        Conflict: there is no shim: the container isn't running.
    """
    try:
        connection = unix_socket.connect(runtime)
    except OSError as error:
        raise Conflict("the container isn't running", "start it first") from error
    connection.setblocking(False)
    return connection


def listens(runtime: Path) -> bool:
    """Whether there is a shim, for who can't read what it has written."""
    with suppress(Conflict), connect(runtime):
        return True
    return False


async def ask(runtime: Path, message: protocol.Message, descriptors: Sequence[int] = ()) -> protocol.Message:
    """Send one message to a shim, with copies of descriptors of ours, and return its answer.

    Raises:
        Conflict: there is no shim.
        BoxdeckError: the shim says no.
    """
    with connect(runtime) as connection:
        if descriptors:
            socket.send_fds(connection, [protocol.encode(message)], list(descriptors), socket.MSG_NOSIGNAL)
        else:
            await post(connection, message)
        return await answer(connection)


async def post(connection: socket.socket, message: protocol.Message) -> None:
    """Send a message on a connection to a shim; that the shim has gone is told by `answer`.

    Raises:
        InvalidRequest: the message is longer than a frame may be.
    """
    try:
        await asyncio.get_running_loop().sock_sendall(connection, protocol.encode(message))
    except ConnectionError:
        return
    except OSError as error:  # EMSGSIZE
        raise InvalidRequest("the command and its variables are too long", "pass them in a file") from error


async def answer(connection: socket.socket) -> protocol.Message:
    """The next message on a connection to a shim.

    Raises:
        BoxdeckError: the shim says no, or is gone.
    """
    message = await receive(connection)
    if isinstance(message, protocol.Failed):
        raise message.error()
    if message is None:
        raise RuntimeFailure("the container's shim ended before it answered", "see whether the container still runs")
    return message
