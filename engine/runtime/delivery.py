"""What a maker hands over to its shim: what it takes to keep the container that it has made."""

from __future__ import annotations

import socket
from typing import NamedTuple

from engine.cgroups.alarms import Kind
from engine.errors import RuntimeFailure
from engine.runtime import protocol

_MOST_RIGHTS = 10  # that a maker delivers: two sockets, a namespace, three streams, four alarms


class Delivery(NamedTuple):
    """A container that stands.

    Attributes:
        pid: of its first process.
        has_begun: whether that one has been told to execute.
        is_ready: whether it has said that it can; otherwise that is still to be heard, or why it can't.
        sync: socket to it.
        listener: where clients come.
        mounts: its mount namespace.
        terminal: whether `streams` is the master of a terminal, and not our ends of pipes.
        alarms: kind, urgency and descriptor of each.
        leftovers: children on their way out that are the shim's to wait for.
    """

    pid: int
    has_begun: bool
    is_ready: bool
    sync: socket.socket
    listener: socket.socket
    mounts: int
    terminal: bool
    streams: list[int]
    alarms: tuple[tuple[Kind, bool, int], ...]
    leftovers: tuple[int, ...]


def receive(making: socket.socket) -> Delivery:
    """Wait for it.

    Raises:
        BoxdeckError: why there is none.
    """
    frame, rights = protocol.receive_frame(making, _MOST_RIGHTS)
    message = protocol.decode(frame) if frame else None
    if isinstance(message, protocol.Failed):
        raise message.error()
    if not isinstance(message, protocol.Delivered):
        raise RuntimeFailure("the container's maker was killed", "look at dmesg: perhaps memory ran out")
    first_alarm = len(rights) - len(message.alarms)
    return Delivery(
        pid=message.pid,
        has_begun=message.started,
        is_ready=message.ready,
        sync=socket.socket(fileno=rights[0]),
        listener=socket.socket(fileno=rights[1]),
        mounts=rights[2],
        terminal=message.terminal,
        streams=rights[3:first_alarm],
        alarms=tuple(zip(message.alarms, message.urgent, rights[first_alarm:], strict=True)),
        leftovers=message.leftovers,
    )
