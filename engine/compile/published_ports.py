"""Which of its ports a container asks for, from a request and what its image exposes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.compile.namespaces import is_network
from engine.errors import InvalidRequest
from engine.model import ContainerRequest, ImageConfig, PublishedPort
from engine.network import port_notation

_HOST = "published ports mean nothing: with --network host the container's ports are the host's"


def published_ports(request: ContainerRequest, image: ImageConfig) -> tuple[PublishedPort, ...]:
    """The ports to be published, those that the host chooses a number for included.

    Raises:
        InvalidRequest: the container has no network of its own, two of its ports want the same one of the host's, or
            what is exposed is no port.
    """
    wanted = request.ports
    port_notation.exposed(request.exposed_ports)  # what is no port is said, whether it is to be published or not
    if request.publish_all:
        wanted += _not_among(port_notation.exposed((*image.exposed_ports, *request.exposed_ports)), request.ports)
    if not wanted or request.network == "host":
        return ()
    if not is_network(request.network):
        raise InvalidRequest(
            f"ports can't be published with --network {request.network}",
            "publish them where the network is made, or choose one such as bridge",
        )
    require_distinct(wanted)
    return wanted


def port_warnings(request: ContainerRequest) -> tuple[str, ...]:
    """What is given up of the ports that were asked for."""
    return (_HOST,) if request.network == "host" and (request.ports or request.publish_all) else ()


def require_distinct(ports: Iterable[PublishedPort]) -> None:
    """Refuse one port of the host's that is to lead to two, or that is named twice.

    Raises:
        InvalidRequest: with the port.
    """
    seen: dict[tuple[str, int, str], int] = {}
    for port in ports:
        place = (port.host_address, port.host_port, port.protocol)
        if port.host_port and not port.is_chosen and place in seen:
            cause = f"port {port.host_port}/{port.protocol} of the host"
            if seen[place] == port.container_port:
                raise InvalidRequest(f"{cause} leads to {port.container_words} already", "name it once")
            raise InvalidRequest(f"{cause} would lead to two ports of the container", "publish one at another port")
        seen[place] = port.container_port


def _not_among(ports: Iterable[PublishedPort], named: Iterable[PublishedPort]) -> tuple[PublishedPort, ...]:
    """What a person has named is published as they said, and not once more."""
    known = {(port.container_port, port.protocol) for port in named}
    return tuple(port for port in ports if (port.container_port, port.protocol) not in known)
