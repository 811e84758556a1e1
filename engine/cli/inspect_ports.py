"""Published ports in ``inspect``, with docker's field names."""

from __future__ import annotations

from collections.abc import Iterable

from engine.cli.documents import Document
from engine.model import PublishedPort


class PortBindingDocument(Document, frozen=True, kw_only=True):
    """A place on the host that leads to a port; an empty address is all of the host's, an empty port none yet."""

    host_ip: str
    host_port: str


PortBindings = dict[str, tuple[PortBindingDocument, ...]]


def port_bindings(ports: Iterable[PublishedPort]) -> PortBindings:
    """Places on the host by port of the container, such as ``80/tcp``."""
    found: PortBindings = {}
    for port in ports:
        number = str(port.host_port) if port.host_port else ""
        place = PortBindingDocument(host_ip=port.host_address, host_port=number)
        found[port.container_words] = (*found.get(port.container_words, ()), place)
    return found
