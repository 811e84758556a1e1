"""The documents of an image (OCI image spec 1.1): index, manifest, config; docker's schema 2 is the same shape."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from engine.errors import ImageError
from engine.health import HealthCheck, argv_of
from engine.model import ImageConfig

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TAR: Final = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES: Final = frozenset({INDEX, DOCKER_INDEX})
MANIFEST_TYPES: Final = frozenset({MANIFEST, DOCKER_MANIFEST})

ANNOTATION_REF_NAME: Final = "org.opencontainers.image.ref.name"
ANNOTATION_CONTAINERD_NAME: Final = "io.containerd.image.name"

_ARCHITECTURES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "loongarch64": "loong64",
}
_FRACTION = re.compile(r"\.(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Platform(Struct, frozen=True, kw_only=True):
    """What a manifest is for, in Go's words: ``linux`` and ``amd64``."""

    os: str = "linux"
    architecture: str = ""
    variant: str = ""


class Descriptor(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A pointer to content (descriptor.md): its type, digest and size in bytes."""

    media_type: str = ""
    digest: str
    size: int
    annotations: dict[str, str] | None = None
    platform: Platform | None = None

    def annotation(self, name: str) -> str:
        """The annotation's value; empty when there is none."""
        return (self.annotations or {}).get(name, "")


class Index(Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of manifests (image-index.md): one image for several platforms, or a layout's contents."""

    schema_version: int = 2
    media_type: str = INDEX
    manifests: tuple[Descriptor, ...] = ()


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """One image's config and layers, the lowest layer first (manifest.md)."""

    schema_version: int = 2
    media_type: str = MANIFEST
    config: Descriptor
    layers: tuple[Descriptor, ...] = ()


class HealthConfig(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """Docker's addition to it: how to find out whether a container is well; times are in nanoseconds, 0 the usual."""

    test: tuple[str, ...] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class RunConfig(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """The "config" object of an image's config (config.md); docker writes null where it has nothing."""

    user: str | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str | None = None
    labels: dict[str, str] | None = None
    stop_signal: str | None = None
    exposed_ports: dict[str, object] | None = None
    volumes: dict[str, object] | None = None
    healthcheck: HealthConfig | None = None


class RootFs(Struct, frozen=True, kw_only=True):
    """Digests of the uncompressed layers, the lowest first."""

    type: str = "layers"
    diff_ids: tuple[str, ...] = ()


class History(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one layer came to be."""

    created: str | None = None
    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class ConfigDocument(Struct, frozen=True, kw_only=True):
    """An image's config (config.md); its digest is the image's id."""

    created: str | None = None
    architecture: str = ""
    os: str = "linux"
    config: RunConfig | None = None
    rootfs: RootFs = RootFs()
    history: tuple[History, ...] | None = None


Document = TypeVar("Document")


def decode(data: bytes, kind: type[Document], what: str) -> Document:
    """Read one of the documents above.

    Args:
        what: how an error calls it, such as ``the image's manifest``.

    Raises:
        ImageError: it is no JSON or lacks what it must have.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ImageError(f"{what} can't be read ({error})", "make or fetch the image anew") from error


def encode(document: Struct) -> bytes:
    """A document as JSON; the same value gives the same bytes, and so the same digest."""
    return msgspec.json.encode(document, order="deterministic")


def image_config(document: ConfigDocument) -> ImageConfig:
    """What a config says about running the image, without its nulls."""
    run = document.config or RunConfig()
    return ImageConfig(
        entrypoint=run.entrypoint or (),
        command=run.cmd or (),
        env=run.env or (),
        working_dir=run.working_dir or "",
        user=run.user or "",
        stop_signal=run.stop_signal or "SIGTERM",
        labels=run.labels or {},
        exposed_ports=tuple(run.exposed_ports or ()),
        volumes=tuple(run.volumes or ()),
        health_check=_health_check(run.healthcheck),
    )


def _health_check(config: HealthConfig | None) -> HealthCheck | None:
    argv = argv_of((config.test or ()) if config is not None else ())
    if config is None or not argv:
        return None
    usual = HealthCheck()
    return HealthCheck(
        argv=argv,
        interval_seconds=config.interval / 1e9 or usual.interval_seconds,
        timeout_seconds=config.timeout / 1e9 or usual.timeout_seconds,
        start_period_seconds=config.start_period / 1e9,
        start_interval_seconds=config.start_interval / 1e9 or usual.start_interval_seconds,
        retries=config.retries or usual.retries,
    )


def go_architecture(machine: str) -> str:
    """Go's word for ``uname -m``'s, as images carry it."""
    return _ARCHITECTURES.get(machine, machine)


def parse_time(text: str | None) -> int:
    """An RFC 3339 time as nanoseconds since the epoch; 0 when it is absent or malformed."""
    if not text:
        return 0
    fraction = _FRACTION.search(text)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = (moment - _EPOCH).days * 86_400 + (moment - _EPOCH).seconds
    return whole * 1_000_000_000 + (int(fraction[1].ljust(9, "0")[:9]) if fraction else 0)


def format_time(unix_ns: int) -> str:
    """Nanoseconds since the epoch as RFC 3339, whole seconds, in UTC."""
    return datetime.fromtimestamp(unix_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
