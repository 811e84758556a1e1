"""The rows of lists as JSON documents, with docker's field names where the thing is the same."""

from __future__ import annotations

from typing import Any

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
    local_volumes: str = "0"
    size: str = ""


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


class SearchRow(Document, frozen=True, kw_only=True):
    """``docker search --format json``."""

    name: str
    description: str
    star_count: str
    is_official: str


class DiskRow(Document, frozen=True, kw_only=True):
    """``docker system df --format json``."""

    type: str
    total_count: str
    active: str
    size: str
    reclaimable: str


class ImageDiskRow(Document, frozen=True, kw_only=True):
    """An image in ``docker system df --verbose``."""

    repository: str
    tag: str
    id: str = field(name="ID")
    created_since: str
    size: str
    shared_size: str
    unique_size: str
    containers: str


class ContainerDiskRow(Document, frozen=True, kw_only=True):
    """A container in ``docker system df --verbose``."""

    id: str = field(name="ID")
    image: str
    command: str
    local_volumes: str
    size: str
    running_for: str
    status: str
    names: str


class VolumeDiskRow(Document, frozen=True, kw_only=True):
    """A volume in ``docker system df --verbose``."""

    name: str
    links: str
    size: str


class DiskDocument(Document, frozen=True, kw_only=True):
    """``docker system df --verbose --format json``."""

    images: tuple[ImageDiskRow, ...]
    containers: tuple[ContainerDiskRow, ...]
    volumes: tuple[VolumeDiskRow, ...]


class FindingDocument(Document, frozen=True, kw_only=True):
    """``boxdeck system check --format json``."""

    kind: str
    place: str
    problem: str
    remedy: str
    mendable: bool
    mended: bool
    failure: str


class VolumeRow(Document, frozen=True, kw_only=True):
    """``docker volume inspect``, with those who use it."""

    name: str
    driver: str = "local"
    mountpoint: str
    scope: str = field(name="Scope", default="local")
    created_at: str
    labels: dict[str, str]
    used_by: tuple[str, ...]


class HistoryRow(Document, frozen=True, kw_only=True):
    """``docker history --format json``; `id` is the layer's."""

    id: str = field(name="ID")
    created_since: str
    created_by: str
    size: str
    comment: str


class LayerRow(Document, frozen=True, kw_only=True):
    """One layer, sizes as people read them; `id` is its diff id."""

    layer: str
    id: str = field(name="ID")
    size: str
    added: str
    changed: str
    removed: str
    wasted: str
    created_by: str


class TreeRow(Document, frozen=True, kw_only=True):
    """A file of a merged tree, and the layer that it comes from."""

    kind: str
    size: str
    layer: str
    path: str


class WasteRow(Document, frozen=True, kw_only=True):
    """A file of which lower layers hold what nobody sees."""

    wasted: str
    layers: str
    path: str


class SightingRow(Document, frozen=True, kw_only=True):
    """What one layer does to a path."""

    layer: str
    id: str = field(name="ID")
    action: str
    size: str
    created_by: str


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
    security_options: tuple[str, ...]
    warnings: tuple[str, ...]


def in_pascal_case(document: Any) -> Any:
    """A document of plain values with its keys as JSON has them here: ``memory_bytes`` is ``MemoryBytes``."""
    if isinstance(document, dict):
        return {
            "".join(word.capitalize() for word in str(key).split("_")): in_pascal_case(each)
            for key, each in document.items()
        }
    return [in_pascal_case(each) for each in document] if isinstance(document, (list, tuple)) else document
