"""The host's ports that a shim keeps for its container, so that nobody else can have them while it lives."""

from __future__ import annotations

import socket
from contextlib import suppress

import msgspec

from engine.errors import RuntimeFailure
from engine.network import flush_alarm, withdrawal
from engine.runtime import protocol
from engine.runtime.loop import Loop


class PortKeeper:
    """Holds, see `engine.network.port_reservation`.

    Args:
        holds: those of the start.
    """

    def __init__(self, holds: list[socket.socket]) -> None:
        self._holds = holds
        self._alarm: socket.socket | None = None

    def guard(self, loop: Loop, runtime_directory: str) -> None:
        """Listen whether somebody takes the firewall away from under ports of the host's 127.0.0.1, if there are any.

        It isn't closed while the shim lives: that waits for the kernel.
        """
        if self._alarm is None and self._holds:
            with suppress(OSError):
                self._alarm = alarm = flush_alarm.listen()
                loop.watch(alarm.fileno(), lambda: _hear(alarm, runtime_directory))

    def obey(self, message: protocol.Reserve | protocol.Release, descriptors: list[int]) -> None:
        """Keep further ports, or give some back.

        Raises:
            RuntimeFailure: there is no hold with the message.
        """
        if isinstance(message, protocol.Release):
            self._release(message.ports)
        elif descriptors:
            self._holds += [socket.socket(fileno=descriptor) for descriptor in descriptors]
        else:
            raise RuntimeFailure("there are no ports to be kept with the message")

    def _release(self, ports: tuple[tuple[str, int, str], ...]) -> None:
        from engine.network import port_reservation

        self._holds = [port_reservation.without(held, ports) for held in self._holds]

    def give_back(self, runtime_directory: str) -> None:
        """Take the ports out of the firewall, then let go of them: whoever gets one hears what is sent there."""
        withdrawal.perform(runtime_directory)
        for held in self._holds:
            held.close()
        self._holds = []


def _hear(alarm: socket.socket, runtime_directory: str) -> None:
    try:
        found = withdrawal.read(runtime_directory)
    except (OSError, msgspec.MsgspecError):
        found = None
    flush_alarm.hear(alarm, found.table if found else "", found.local_bridge if found else "")
