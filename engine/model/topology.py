"""How containers are wired."""

from __future__ import annotations

from msgspec import Struct


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
    """A bridge of ours with its addresses in CIDR form and what hangs on it.

    Attributes:
        is_internal: nothing on it has a way out.
    """

    name: str
    network: str
    is_up: bool
    addresses: tuple[str, ...]
    ports: tuple[BridgePort, ...]
    is_internal: bool = False


class Uplink(Struct, frozen=True, kw_only=True):
    """The interface that the host's default route leaves by."""

    interface: str
    addresses: tuple[str, ...]
    gateway: str | None = None


class Topology(Struct, frozen=True, kw_only=True):
    """How containers reach each other and the outside, as the kernel has it now."""

    uplink: Uplink | None
    bridges: tuple[BridgeNode, ...]
