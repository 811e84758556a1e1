"""A container as the store and its shim know it, and what it says."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from msgspec import Struct

from engine.health import Health, HealthCheck
from engine.incidents import Incidents
from engine.isolation import Isolation
from engine.model.network import Endpoint
from engine.model.published_port import PublishedPort
from engine.model.request import ContainerRequest
from engine.restart_policy import Restart

StreamName = Literal["stdout", "stderr"]


class State(str, Enum):
    """Where a container is in its life; the words are docker's.

    A dead one is one of which not all could be removed.
    """

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


class Container(Struct, frozen=True, kw_only=True):
    """A container as the store and its shim know it.

    Attributes:
        id: 64 hexadecimal digits.
        image_id: digest of the image's config, ``sha256:…``.
        argv: what its first process is executed with, from the request and the image.
        pid: of its first process, seen from the host; None unless running.
        exit_status: None until it has exited; 128 + signal when killed by one.
        error: why the last start or the removal failed, as one sentence; empty otherwise.
        endpoints: its places on networks, in the order of its interfaces.
        ports: those of its own that the host's lead to, in force while it runs.
        isolation: what keeps it apart from the machine; None for containers of the first versions.
        oom_killed: whether it ended because its first process was killed for lack of memory.
        incidents: what befell it at its limits since it was started last, while it runs and after.
        restarts: how often it was started again by hand.
        automatic_restarts: how often by its policy since it was last started by hand.
        restart: while it runs the one that it was started by, and None when that was by hand; while it waits for its
            next start that one.
        was_stopped: whether somebody ended it by hand.
        health_check: what it is asked while it runs; None for nothing.
        health: how it is or was in its last run, as those checks say.
        warnings: sentences on what it gives up, such as the isolation that privileges take away.
    """

    id: str
    name: str
    request: ContainerRequest
    image_id: str
    argv: tuple[str, ...]
    state: State
    created_unix_ns: int
    started_unix_ns: int | None = None
    finished_unix_ns: int | None = None
    pid: int | None = None
    exit_status: int | None = None
    oom_killed: bool = False
    error: str = ""
    restarts: int = 0
    automatic_restarts: int = 0
    restart: Restart | None = None
    was_stopped: bool = False
    health_check: HealthCheck | None = None
    health: Health | None = None
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    isolation: Isolation | None = None
    warnings: tuple[str, ...] = ()
    incidents: Incidents = Incidents()

    @property
    def short_id(self) -> str:
        """The first twelve digits of the id, as lists show it."""
        return self.id[:12]

    @property
    def endpoint(self) -> Endpoint | None:
        """Its place on its first network, if it is on any."""
        return self.endpoints[0] if self.endpoints else None

    @property
    def is_running(self) -> bool:
        """Whether it has a process now."""
        return self.state in (State.RUNNING, State.PAUSED)

    @property
    def is_whole(self) -> bool:
        """Whether its files are all there; of one whose removal has begun nobody knows."""
        return self.state not in (State.REMOVING, State.DEAD)


class Chunk(Struct, frozen=True):
    """Bytes that a process wrote to one of its streams (a terminal has stdout only)."""

    stream: StreamName
    data: bytes


class LogLine(Struct, frozen=True, kw_only=True):
    """One line that a container wrote, without its newline."""

    at_unix_ns: int
    stream: StreamName
    data: bytes
