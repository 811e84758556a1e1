"""Starts by restart policy, as engines see them: ordered, called off, found overdue, restored after a boot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine import restarting
from engine.model import Container, State
from engine.paths import Paths
from engine.records import Records
from engine.restart_policy import Restart, RestartPolicy, next_restart
from engine.runtime.status import Status, boot_id

if TYPE_CHECKING:
    from engine.runtime.protocol import Restarting

_OVERDUE_NS = 5 * 10**9  # what makes a start needs a while to begin


class Restarts:
    """Restart policies of the containers of one root."""

    def __init__(self, paths: Paths, records: Records) -> None:
        self._paths = paths
        self._records = records

    def order(self, container: Container, is_due: bool) -> Restarting | None:
        """What a shim is told with a launch.

        Args:
            is_due: the launch is by policy, and not by hand.
        """
        policy = container.request.restart_policy
        if policy.name == "no" and container.request.health.on_unhealthy != "restart":
            return None
        return self._order(container, policy, container.restart if is_due else None)

    def change(self, container: Container, policy: RestartPolicy) -> Restarting:
        """Write another policy down; what is returned is for the shim of a container that runs."""

        def changed(now: Container) -> Container:
            return replace(now, request=replace(now.request, restart_policy=policy))

        self._records.change(container.id, changed, "update")
        return self._order(container, policy, None)

    def _order(self, container: Container, policy: RestartPolicy, last: Restart | None) -> Restarting:
        from engine.runtime.protocol import Restarting  # who only looks at containers speaks with no shim

        return Restarting(policy=policy, last=last, command=restarting.command(self._paths, container.id))

    def call_off(self, container: Container) -> None:
        """Forget a start that is put off: somebody has stopped the container."""

        def called_off(now: Container) -> Container | None:
            if now.state is not State.RESTARTING:
                return None
            return replace(now, state=State.EXITED, restart=None, was_stopped=True)

        self._records.change(container.id, called_off, "stop")

    def mark_stopped(self, container: Container, action: str, detail: str = "") -> None:
        """Write down, with the event, that somebody ends it by hand."""
        self._records.change(container.id, lambda now: replace(now, was_stopped=True), action, detail)

    def spoken_for(self, status: Status) -> Status:
        """The end of a container whose shim was killed, with the start that follows from it."""
        container = self._records.get(status.container_id)
        if container is None or container.was_stopped or status.started_unix_ns is None or status.boot_id != boot_id():
            return status
        ended = status.finished_unix_ns or time.time_ns()
        ran_seconds = (ended - status.started_unix_ns) / 1e9
        policy = container.request.restart_policy
        restart = next_restart(policy, status.restart, status.exit_status or 0, ran_seconds, ended)
        if restart is not None:
            restarting.spawn(self._paths, container.id, restart.delay_seconds)
        return replace(status, next_restart=restart)

    def make_overdue(self) -> None:
        """Have the starts made whose shims were killed before they could."""
        for container in self._records.all():
            if self.is_overdue(container):
                self.make(container)

    def is_overdue(self, container: Container) -> bool:
        """Whether a start should have been made by now."""
        return container.state is State.RESTARTING and _is_overdue(container.restart)

    def make(self, container: Container) -> None:
        """Have a start made now."""
        restarting.spawn(self._paths, container.id)

    def to_restore(self) -> list[Container]:
        """Whom the policies want to run after a boot, those that others may have joined first."""
        return [each for each in reversed(self._records.all()) if _outlives_boots(each)]


def _is_overdue(restart: Restart | None) -> bool:
    return restart is None or restart.at_unix_ns + _OVERDUE_NS < time.time_ns()


def _outlives_boots(container: Container) -> bool:
    name = container.request.restart_policy.name
    if container.is_running or container.started_unix_ns is None or not container.is_whole:
        return False
    return name == "always" or (name == "unless-stopped" and not container.was_stopped)
