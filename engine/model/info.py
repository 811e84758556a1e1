"""What an engine stands on."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Info(Struct, frozen=True, kw_only=True):
    """What this engine stands on, for ``boxdeck info``.

    Attributes:
        no_user_namespaces: why containers can't have ids of their own here; empty when they can.
    """

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
    no_user_namespaces: str = ""
