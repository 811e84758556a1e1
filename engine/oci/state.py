"""The state of a container as hooks, callers and listeners of notifications get it (runtime.md, "State")."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from engine.oci.version import OCI_VERSION

StatusWord = Literal["creating", "created", "running", "stopped"]


class State(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """runtime.md, "State"; `pid` is 0 where there is no process."""

    oci_version: str
    id: str
    status: StatusWord
    pid: int = 0
    bundle: str
    annotations: dict[str, str] = field(default_factory=dict)


def encode(container_id: str, status: StatusWord, pid: int, bundle: str, annotations: dict[str, str]) -> bytes:
    """A state as JSON."""
    state = State(
        oci_version=OCI_VERSION, id=container_id, status=status, pid=pid, bundle=bundle, annotations=annotations
    )
    return msgspec.json.encode(state)
