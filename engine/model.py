"""The nouns of the engine: frozen values that appear in every signature, with units in their names.

All times called ``*_unix_ns`` are nanoseconds since the epoch, sizes are bytes, and ``None`` means
"does not apply" or "no limit", never "unknown error".
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from msgspec import Struct, field

NetworkMode = Literal["bridge", "none", "host"]
NamespaceKind = Literal["mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time"]
StreamName = Literal["stdout", "stderr"]


class State(str, Enum):
    """Where a container is in its life; the words are docker's."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"


class Limits(Struct, frozen=True, kw_only=True):
    """What a container may use at most.

    Attributes:
        memory_bytes: resident and cached memory.
        cpus: processors' worth of time per second, such as 1.5.
        pids: processes and threads.
    """

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None


class ContainerRequest(Struct, frozen=True, kw_only=True):
    """What a person asks for; `engine.runtime.spec` compiles it to an OCI ``config.json``.

    Attributes:
        command: replaces the image's ``Cmd``; empty keeps it.
        entrypoint: replaces the image's ``Entrypoint``; None keeps it.
        env: ``NAME=value`` entries, added to the image's.
        user: ``name|uid[:group|gid]``; None takes the image's.
        tty: give the process a pseudo-terminal.
        interactive: keep its standard input open.
        user_namespace: make root inside a nobody outside, by an id range of the container's own.
        time_namespace: give it clocks of its own; see `boot_offset_seconds`.
        boot_offset_seconds: added to CLOCK_BOOTTIME and CLOCK_MONOTONIC inside; needs `time_namespace`.
    """

    image: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    name: str | None = None
    env: tuple[str, ...] = ()
    working_dir: str | None = None
    user: str | None = None
    hostname: str | None = None
    tty: bool = False
    interactive: bool = False
    network: NetworkMode = "bridge"
    limits: Limits = Limits()
    auto_remove: bool = False
    user_namespace: bool = False
    time_namespace: bool = False
    boot_offset_seconds: int = 0
    labels: dict[str, str] = field(default_factory=dict)


class Endpoint(Struct, frozen=True, kw_only=True):
    """A container's place on a network.

    Attributes:
        network: the network's name, such as ``bridge``.
        bridge: the bridge device on the host, such as ``boxdeck0``.
        host_interface: the veth end that hangs on the bridge.
        container_interface: the veth end inside, such as ``eth0``.
        address: in CIDR form, such as ``10.89.0.7/24``.
        gateway: the bridge's own address, without prefix length.
        mac: such as ``02:42:0a:59:00:07``.
    """

    network: str
    bridge: str
    host_interface: str
    container_interface: str
    address: str
    gateway: str
    mac: str


class Container(Struct, frozen=True, kw_only=True):
    """A container as the store and its shim know it.

    Attributes:
        id: 64 hexadecimal digits.
        image_id: digest of the image's config, ``sha256:…``.
        argv: what its first process is executed with, from the request and the image.
        pid: of its first process, seen from the host; None unless running.
        exit_status: None until it has exited; 128 + signal when killed by one.
        error: why the last start failed, as one sentence; empty otherwise.
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
    endpoint: Endpoint | None = None

    @property
    def short_id(self) -> str:
        """The first twelve digits of the id, as lists show it."""
        return self.id[:12]

    @property
    def is_running(self) -> bool:
        """Whether it has a process now."""
        return self.state in (State.RUNNING, State.PAUSED)


class ExecRequest(Struct, frozen=True, kw_only=True):
    """A further process in a running container; empty fields inherit the container's own."""

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    working_dir: str | None = None
    user: str | None = None
    tty: bool = False
    interactive: bool = False
    rows: int = 24
    columns: int = 80


class Chunk(Struct, frozen=True):
    """Bytes that a process wrote to one of its streams (a terminal has stdout only)."""

    stream: StreamName
    data: bytes


class LogLine(Struct, frozen=True, kw_only=True):
    """One line that a container wrote, without its newline."""

    at_unix_ns: int
    stream: StreamName
    data: bytes


class ImageConfig(Struct, frozen=True, kw_only=True):
    """What an image says about running it (OCI image spec, config.md, "config")."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = "SIGTERM"
    labels: dict[str, str] = field(default_factory=dict)


class Image(Struct, frozen=True, kw_only=True):
    """An image in the store.

    Attributes:
        id: digest of its config, ``sha256:…``.
        references: its names with tags, in familiar form such as ``base:latest``; may be empty.
        manifest_digest: digest of its manifest.
        layers: diff ids from the lowest layer to the topmost.
        size_bytes: of all its layers, unpacked.
    """

    id: str
    references: tuple[str, ...]
    manifest_digest: str
    layers: tuple[str, ...]
    config: ImageConfig
    created_unix_ns: int
    size_bytes: int
    architecture: str = "amd64"


class Progress(Struct, frozen=True, kw_only=True):
    """One step of long work: what is being done, how far it is (``total`` 0: not known)."""

    what: str
    done: int = 0
    total: int = 0


class Event(Struct, frozen=True, kw_only=True):
    """A change of state; revisions grow by one over all engines on the same root.

    Attributes:
        kind: ``container``, ``image`` or ``network``.
        action: docker's word: ``create start die stop kill restart destroy rename oom`` for containers,
            ``load import tag untag delete`` for images.
        subject: the id of the container or image.
        name: its name at that time.
    """

    revision: int
    at_unix_ns: int
    kind: Literal["container", "image", "network"]
    action: str
    subject: str
    name: str
    detail: str = ""


class ContainerSample(Struct, frozen=True, kw_only=True):
    """What one container used up to, or over, one tick of the sampler.

    Attributes:
        cpu_percent: of one processor over the last interval; 200 is two processors busy.
        cpu_limit_percent: the limit in the same unit.
        memory_bytes: in use without the page cache that could be dropped at once (docker's figure).
        memory_limit_bytes: the limit in force; None when there is none.
        network_*: seen from inside: received is what came into the container.
    """

    container_id: str
    cpu_usage_usec: int = 0
    cpu_percent: float = 0.0
    cpu_limit_percent: float | None = None
    memory_bytes: int = 0
    memory_cache_bytes: int = 0
    memory_limit_bytes: int | None = None
    pids: int = 0
    pids_limit: int | None = None
    oom_kills: int = 0
    block_read_bytes: int = 0
    block_written_bytes: int = 0
    block_read_bytes_per_second: float = 0.0
    block_written_bytes_per_second: float = 0.0
    network_received_bytes: int = 0
    network_sent_bytes: int = 0
    network_received_bytes_per_second: float = 0.0
    network_sent_bytes_per_second: float = 0.0


class HostSample(Struct, frozen=True, kw_only=True):
    """The machine's own totals (psutil): cpu_percent is of all processors together, 0 to 100."""

    cpu_percent: float = 0.0
    processors: int = 1
    memory_used_bytes: int = 0
    memory_total_bytes: int = 0


class Snapshot(Struct, frozen=True, kw_only=True):
    """All samples of one tick, keyed by container id; immutable, safe to keep."""

    taken_unix_ns: int
    interval_seconds: float
    host: HostSample
    containers: dict[str, ContainerSample]


class NamespaceInfo(Struct, frozen=True, kw_only=True):
    """One namespace that a container is in.

    Attributes:
        inode: its number, as ``readlink /proc/PID/ns/…`` shows it.
        is_host: whether it is the one that the engine itself lives in.
        shared_with: names of other containers in the same namespace.
    """

    kind: NamespaceKind
    inode: int
    is_host: bool
    shared_with: tuple[str, ...] = ()


class ProcessInfo(Struct, frozen=True, kw_only=True):
    """A process of a container: its pid on the host and the one that it knows itself by."""

    pid: int
    parent_pid: int
    pid_inside: int
    command: str
    threads: int = 1
    memory_bytes: int = 0


class IdRange(Struct, frozen=True, kw_only=True):
    """One line of /proc/PID/uid_map (user_namespaces(7)): ids inside, ids outside, how many."""

    inside: int
    outside: int
    length: int


class ContainerNamespaces(Struct, frozen=True, kw_only=True):
    """A running container's namespaces, id maps and processes (parents before children)."""

    container_id: str
    container_name: str
    namespaces: tuple[NamespaceInfo, ...]
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    processes: tuple[ProcessInfo, ...] = ()


class NamespaceTree(Struct, frozen=True, kw_only=True):
    """The host's own namespaces and those of every running container."""

    host: tuple[NamespaceInfo, ...]
    containers: tuple[ContainerNamespaces, ...]


class BridgePort(Struct, frozen=True, kw_only=True):
    """A device on a bridge; `container_id` is None for one that isn't ours."""

    host_interface: str
    is_up: bool
    container_id: str | None = None
    container_name: str | None = None
    container_interface: str | None = None
    address: str | None = None
    mac: str | None = None
    received_bytes: int = 0
    sent_bytes: int = 0


class BridgeNode(Struct, frozen=True, kw_only=True):
    """A bridge of ours with its addresses in CIDR form and what hangs on it."""

    name: str
    network: str
    is_up: bool
    addresses: tuple[str, ...]
    ports: tuple[BridgePort, ...]


class Uplink(Struct, frozen=True, kw_only=True):
    """The interface that the host's default route leaves by."""

    interface: str
    addresses: tuple[str, ...]
    gateway: str | None = None


class Topology(Struct, frozen=True, kw_only=True):
    """How containers reach each other and the outside, as the kernel has it now."""

    uplink: Uplink | None
    bridges: tuple[BridgeNode, ...]


class Info(Struct, frozen=True, kw_only=True):
    """What this engine stands on, for ``boxdeck info``."""

    version: str
    root: str
    runroot: str
    kernel: str
    architecture: str
    cgroup_version: Literal["v1", "v2", "hybrid"]
    controllers: tuple[str, ...]
    containers: int
    containers_running: int
    images: int
    processors: int
    memory_total_bytes: int
