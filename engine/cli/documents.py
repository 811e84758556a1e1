"""The rows of lists as JSON documents, with docker's field names where the thing is the same."""

from __future__ import annotations

from msgspec import Struct, field


class Document(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A document whose fields are named like docker's."""


class ContainerRow(Document, frozen=True, kw_only=True):
    """``docker ps --format json``."""

    id: str = field(name="ID")
    image: str
    command: str
    created_at: str
    running_for: str
    status: str
    state: str
    ports: str = ""
    names: str
    labels: str = ""
    networks: str
    mounts: str = ""


class ImageRow(Document, frozen=True, kw_only=True):
    """``docker images --format json``."""

    id: str = field(name="ID")
    repository: str
    tag: str
    digest: str
    created_at: str
    created_since: str
    size: str
    containers: str


class StatsRow(Document, frozen=True, kw_only=True):
    """``docker stats --format json``."""

    id: str = field(name="ID")
    container: str
    name: str
    cpu_percent: str = field(name="CPUPerc")
    memory_usage: str = field(name="MemUsage")
    memory_percent: str = field(name="MemPerc")
    network_io: str = field(name="NetIO")
    block_io: str = field(name="BlockIO")
    pids: str = field(name="PIDs")


class VersionDocument(Document, frozen=True, kw_only=True):
    """``docker version --format json``, without its daemon's half."""

    version: str
    python_version: str
    kernel_version: str
    os: str = "linux"
    arch: str


class InfoDocument(Document, frozen=True, kw_only=True):
    """``docker info --format json``; ``DockerRootDir`` is ``RootDir`` here."""

    server_version: str
    name: str
    containers: int
    containers_running: int
    containers_stopped: int
    images: int
    driver: str = "overlay"
    cgroup_driver: str = "cgroupfs"
    cgroup_version: str
    cgroup_controllers: tuple[str, ...]
    kernel_version: str
    os_type: str = field(name="OSType", default="linux")
    architecture: str
    processors: int = field(name="NCPU")
    memory_total_bytes: int = field(name="MemTotal")
    root_dir: str
    run_root_dir: str
