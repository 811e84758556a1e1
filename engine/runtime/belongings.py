"""What a container has on this machine beside its processes, and that its shim gives back at the end."""

from __future__ import annotations

import socket
from collections.abc import Callable

from engine.cgroups.alarms import Kind
from engine.cgroups.manager import Cgroup
from engine.runtime import protocol
from engine.runtime.delivery import Delivery
from engine.runtime.incident_alarms import IncidentAlarms
from engine.runtime.log import open_log
from engine.runtime.loop import Loop
from engine.runtime.port_keeper import PortKeeper
from engine.runtime.stdio import Pipes, Streams


class Belongings:
    """Of one container.

    Args:
        holds: of ports of the host's that are its own.
        drained: called when nobody is left who could write to its streams.

    Attributes:
        streams: pumped to the log, too.
        alarms: of its cgroup, once it has been delivered.
    """

    def __init__(
        self, loop: Loop, launch: protocol.Launch, holds: list[socket.socket], drained: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._launch = launch
        self._log = open_log(loop, launch)
        self._cgroup: Cgroup | None = None
        self._is_ours = True
        self.streams = Streams(loop, self._log, drained)
        self._ports = PortKeeper(holds) if holds else None  # few have any, and all would pay for one
        self.alarms: IncidentAlarms | None = None

    @property
    def cgroup(self) -> Cgroup:
        """Its control group.

        Raises:
            NotFound: it has gone.
        """
        if self._cgroup is None:
            self._cgroup = Cgroup.open(self._launch.cgroup)
        return self._cgroup

    def pump(self, delivered: Delivery) -> None:
        """Let its streams flow, to the log and to who watches."""
        descriptors = delivered.streams
        if delivered.terminal:
            self.streams.use_terminal(descriptors[0], remembers=True)
        else:
            stdin = descriptors[0] if self._launch.interactive else -1
            self.streams.use_pipes(Pipes((-1, -1, -1), stdin, descriptors[-2], descriptors[-1]))

    def guard_ports(self) -> None:
        """Listen whether somebody takes the firewall away from under its ports, if it has any."""
        if self._ports is not None:
            self._ports.guard(self._loop, self._launch.runtime_directory)

    def change_ports(self, message: protocol.Reserve | protocol.Release, descriptors: list[int]) -> None:
        """Keep further ports, or give some back.

        Raises:
            RuntimeFailure: there is no hold with the message.
        """
        if self._ports is None:
            self._ports = PortKeeper([])
        self._ports.obey(message, descriptors)
        self.guard_ports()

    def sound_alarms(self, kind: Kind) -> None:
        """Have those of a kind go off."""
        if self.alarms is not None:
            self.alarms.sound(kind)

    def give_back(self) -> None:
        """All of it; once."""
        if self._is_ours:
            self._is_ours = False
            self.streams.close()
            self._log.close()
            if self.alarms is not None:
                self.alarms.close()
            self._remove_cgroup()
            (self._ports or PortKeeper([])).give_back(self._launch.runtime_directory)

    def _remove_cgroup(self) -> None:
        """Whether it is there at all is told by removing it."""
        (self._cgroup or Cgroup(self._launch.cgroup)).discard()
