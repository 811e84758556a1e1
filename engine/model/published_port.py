"""One of a container's ports that the host's leads to."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

PortProtocol = Literal["tcp", "udp", "sctp"]


class PublishedPort(Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True):
    """A port of a container that is reached by one of the host's; short in the store, since ranges may be long.

    Attributes:
        container_port: 1 to 65535.
        host_address: IPv4 or IPv6, of the host's; empty for all that it has, of both families. ``0.0.0.0`` and ``::``
            are all of one family.
        host_port: 0 as long as none has been chosen.
        lowest, highest: what is chosen from where the choice is ours; both 0 for any port that is free, or for none
            where `host_port` was named by a person.
        is_chosen: the choice is ours; it is kept for as long as nobody else takes the port while the container stands
            still.
    """

    container_port: int
    protocol: PortProtocol = "tcp"
    host_address: str = ""
    host_port: int = 0
    lowest: int = 0
    highest: int = 0
    is_chosen: bool = False

    @property
    def container_words(self) -> str:
        """Such as ``80/tcp``."""
        return f"{self.container_port}/{self.protocol}"
