"""Images, and long work on them."""

from __future__ import annotations

from msgspec import Struct, field

from engine.health import HealthCheck


class ImageConfig(Struct, frozen=True, kw_only=True):
    """What an image says about running it (OCI image spec, config.md, "config")."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = "SIGTERM"
    labels: dict[str, str] = field(default_factory=dict)
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    health_check: HealthCheck | None = None


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


class HistoryStep(Struct, frozen=True, kw_only=True):
    """One step by which an image came to be (config.md, "history").

    Attributes:
        diff_id: of the layer that it made; empty for one that made none, or that nobody has written down.
        size_bytes: of that layer's files, unpacked.
        instruction: what its maker says it did.
    """

    created_unix_ns: int = 0
    instruction: str = ""
    comment: str = ""
    diff_id: str = ""
    size_bytes: int = 0


class Progress(Struct, frozen=True, kw_only=True):
    """One step of long work: what is being done, how far it is (``total`` 0: not known).

    Attributes:
        part: which of several things that go on side by side, such as a layer's first digits; empty for the whole.
    """

    what: str
    done: int = 0
    total: int = 0
    part: str = ""
