"""What is written down of a network whose names are served: a file each, on tmpfs."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from engine.network.plan import EndpointPlan
from engine.paths import Paths

LOCK = "lock"  # who holds it serves


class Post(Struct, frozen=True, kw_only=True):
    """A network.

    Attributes:
        address: where questions come, without prefix length.
        is_internal: only its own names are told.
        plan: how we come to be on it.
    """

    network_id: str
    address: str
    is_internal: bool
    plan: EndpointPlan


def folder_of_posts(paths: Paths) -> list[Path]:
    """The files that there are."""
    try:
        return [path for path in paths.names.iterdir() if path.name != LOCK and "." not in path.name]
    except FileNotFoundError:
        return []


def read(path: Path) -> Post | None:
    """A network; None if it has just been removed."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Post)
    except (OSError, msgspec.MsgspecError):
        return None
