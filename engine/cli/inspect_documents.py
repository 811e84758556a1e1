"""What ``inspect`` shows, with docker's field names (Docker Engine API, ContainerInspect and ImageInspect)."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType, field

from engine.cli.documents import Document
from engine.cli.inspect_host import HostConfigDocument, MountDocument
from engine.cli.inspect_limits import InForceDocument
from engine.cli.inspect_network import NetworkSettingsDocument


class HealthResultDocument(Document, frozen=True, kw_only=True):
    """One of ``State.Health.Log``."""

    start: str
    end: str
    exit_code: int
    output: str


class HealthDocument(Document, frozen=True, kw_only=True):
    """``State.Health``."""

    status: str
    failing_streak: int
    log: tuple[HealthResultDocument, ...]


class HealthCheckDocument(Document, frozen=True, kw_only=True):
    """``Config.Healthcheck``; times are in nanoseconds."""

    test: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    start_interval: int
    retries: int


class StateDocument(Document, frozen=True, kw_only=True):
    """``State`` of a container."""

    status: str
    running: bool
    paused: bool
    restarting: bool
    dead: bool
    oom_killed: bool = field(name="OOMKilled")
    pid: int
    exit_code: int
    error: str
    started_at: str
    finished_at: str
    health: HealthDocument | None = None


class ConfigDocument(Document, frozen=True, kw_only=True):
    """``Config`` of a container: what its process is run with."""

    hostname: str
    domainname: str
    user: str
    attach_stdin: bool
    attach_stdout: bool
    attach_stderr: bool
    tty: bool
    open_stdin: bool
    env: tuple[str, ...]
    cmd: tuple[str, ...]
    image: str
    working_dir: str
    entrypoint: tuple[str, ...]
    healthcheck: HealthCheckDocument | None = None
    labels: dict[str, str]
    stop_signal: str


class GraphDriverData(Document, frozen=True, kw_only=True):
    """The overlay's directories."""

    lower_dir: str
    upper_dir: str
    work_dir: str


class GraphDriver(Document, frozen=True, kw_only=True):
    """How the root file system is put together."""

    name: str = "overlay2"
    data: GraphDriverData


class ContainerDocument(Document, frozen=True, kw_only=True):
    """A container, with docker's names and some of ours.

    ``RuntimeSpec`` is the OCI ``config.json`` that its init obeys, ``Warnings`` what it gives up, ``LimitsInForce``
    what binds it while it runs. ``SizeRw`` and ``SizeRootFs``, in bytes, are there where they are asked for.
    """

    id: str
    created: str
    path: str
    args: tuple[str, ...]
    state: StateDocument
    image: str
    log_path: str
    hostname_path: str
    hosts_path: str
    resolv_conf_path: str
    name: str
    restart_count: int
    driver: str = "overlay2"
    platform: str = "linux"
    host_config: HostConfigDocument
    limits_in_force: InForceDocument | None
    graph_driver: GraphDriver
    app_armor_profile: str
    mounts: tuple[MountDocument, ...]
    warnings: tuple[str, ...]
    config: ConfigDocument
    network_settings: NetworkSettingsDocument
    runtime_spec: msgspec.Raw
    size_rw: int | UnsetType = UNSET
    size_root_fs: int | UnsetType = UNSET


class ImageConfigDocument(Document, frozen=True, kw_only=True):
    """``Config`` of an image."""

    user: str
    env: tuple[str, ...]
    cmd: tuple[str, ...]
    entrypoint: tuple[str, ...]
    working_dir: str
    labels: dict[str, str]
    stop_signal: str
    healthcheck: HealthCheckDocument | None = None


class RootFilesystemDocument(Document, frozen=True, kw_only=True):
    """The layers of an image, the lowest first."""

    type: str = "layers"
    layers: tuple[str, ...]


class ImageDocument(Document, frozen=True, kw_only=True):
    """An image."""

    id: str
    repository_tags: tuple[str, ...] = field(name="RepoTags")
    repository_digests: tuple[str, ...] = field(name="RepoDigests")
    created: str
    architecture: str
    os: str = "linux"
    size: int
    config: ImageConfigDocument
    root_filesystem: RootFilesystemDocument = field(name="RootFS")
