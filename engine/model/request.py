"""What a person asks for: a container, a further process in one."""

from __future__ import annotations

from msgspec import Struct, field

from engine.health import HealthOptions
from engine.limits import Limits
from engine.log_config import LogConfig
from engine.model.network import Attachment
from engine.model.published_port import PublishedPort
from engine.options import BindMount, DeviceAccess, Security, TmpfsMount, Ulimit, VolumeMount
from engine.restart_policy import RestartPolicy

STOP_SECONDS = 10.0
"""How long a container may take to end where nothing else is said, as docker has it."""


class ContainerRequest(Struct, frozen=True, kw_only=True):
    """What a person asks for; `engine.compile` makes an OCI ``config.json`` of it.

    Namespaces are given in docker's words: ``private`` is one of its own, ``host`` the host's, and
    ``container:NAME`` that of another container, which must run when this one starts.

    Attributes:
        command: replaces the image's ``Cmd``; empty keeps it.
        attach: the streams that were named for whoever runs it, which `inspect` tells; empty for output and errors, and
            for input where it is open.
        entrypoint: replaces the image's ``Entrypoint``; None keeps it.
        env: ``NAME=value`` entries, added to the image's.
        user: ``name|uid[:group|gid]``; None takes the image's.
        groups: further groups of the process, by name or number.
        umask: of the process; None is 0o022.
        tty: give the process a pseudo-terminal.
        interactive: keep its standard input open.
        init: a first process of ours that reaps orphans and passes signals on to the command.
        stop_signal: by name or number; None takes the image's.
        stop_timeout_seconds: how long it may take to end before it is killed; None is 10 seconds, -1 for ever.
        network: ``none``, ``host``, ``container:NAME``, or the name of its first network, such as ``bridge``.
        attachments: how it is to be on its networks, where more is to be said than the name of one; the first is
            `network`.
        extra_hosts: further lines of /etc/hosts, as ``NAME:ADDRESS``; the address ``host-gateway`` is the host's.
        dns, dns_search, dns_options: of /etc/resolv.conf, instead of the host's.
        ports: those of its own to be reached by the host's.
        exposed_ports: further ports that it serves, as ``PORT/PROTOCOL``; they are published by `publish_all` only.
        publish_all: publish every port that it or its image exposes, at ports of the host's that are chosen.
        userns: ``auto`` is an id range of the container's own, ``host`` no user namespace, ``keep-id`` the calling
            user's own id inside, or a mapping such as ``0:100000:65536``; None is ``auto`` where this machine can
            do it, and else ``host`` with a warning.
        pid: ``private``, ``host`` or ``container:NAME``.
        ipc: ``private`` (or ``shareable``, which is the same), ``none`` (private without /dev/shm), ``host`` or
            ``container:NAME``.
        uts, cgroupns: ``private`` or ``host``.
        time_namespace: give it clocks of its own; see `boot_offset_seconds`.
        boot_offset_seconds: added to CLOCK_BOOTTIME and CLOCK_MONOTONIC inside; needs `time_namespace`.
        read_only: the root file system can't be written to.
        volumes_from: containers whose volumes and bind mounts it gets, too, as ``NAME[:ro]``.
        shm_size_bytes: of /dev/shm; None is 64 MiB.
        device_rules: of the device cgroup, such as ``c 10:200 rwm``.
        sysctls: kernel parameters of its own namespaces, by dotted name.
        health: how it is checked otherwise than its image says, and what follows.
        restart_policy: whether it is started again when it has ended by itself.
        oom_score_adj: -1000 to 1000, the larger the sooner it is killed for lack of memory.
        log: what becomes of its output.
        annotations: of its ``config.json``, beside the labels, for hooks.
    """

    image: str
    command: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    name: str | None = None
    env: tuple[str, ...] = ()
    working_dir: str | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    umask: int | None = None
    hostname: str | None = None
    domainname: str = ""
    tty: bool = False
    interactive: bool = False
    init: bool = False
    stop_signal: str | None = None
    stop_timeout_seconds: float | None = None
    network: str = "bridge"
    attachments: tuple[Attachment, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    publish_all: bool = False
    userns: str | None = None
    pid: str = "private"
    ipc: str = "private"
    uts: str = "private"
    cgroupns: str = "private"
    time_namespace: bool = False
    boot_offset_seconds: int = 0
    limits: Limits = Limits()
    security: Security = Security()
    read_only: bool = False
    binds: tuple[BindMount, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    tmpfs: tuple[TmpfsMount, ...] = ()
    shm_size_bytes: int | None = None
    devices: tuple[DeviceAccess, ...] = ()
    device_rules: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    restart_policy: RestartPolicy = RestartPolicy()
    health: HealthOptions = HealthOptions()
    oom_score_adj: int | None = None
    log: LogConfig = LogConfig()
    auto_remove: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def stop_patience_seconds(self) -> float | None:
        """How long it may take to end before it is killed; None for ever."""
        if self.stop_timeout_seconds is None:
            return STOP_SECONDS
        return self.stop_timeout_seconds if self.stop_timeout_seconds >= 0 else None


class ExecRequest(Struct, frozen=True, kw_only=True):
    """A further process in a running container; empty fields inherit the container's own.

    Attributes:
        privileged: with all capabilities.
        detached: it goes on when its session is closed.
        kept: its name where it goes on when its session is closed, and is resumed by that name; needs a terminal.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    working_dir: str | None = None
    user: str | None = None
    privileged: bool = False
    detached: bool = False
    kept: str | None = None
    tty: bool = False
    interactive: bool = False
    rows: int = 24
    columns: int = 80
