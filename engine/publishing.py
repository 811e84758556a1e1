"""Ports published and withdrawn while containers run, and for their later starts: the face of `engine.ports`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from msgspec.structs import replace

from engine import shims
from engine.compile.namespaces import is_network
from engine.compile.published_ports import require_distinct
from engine.errors import Conflict, InvalidRequest, NotFound
from engine.locks import ContainerLock
from engine.model import Container, PublishedPort
from engine.network import port_notation
from engine.network.obstacles import obstacles
from engine.network.port_mappings import Way, way_to
from engine.network.port_reservation import Taken
from engine.network.ruleset import PortMapping
from engine.paths import Paths
from engine.ports import Ports
from engine.records import Records
from engine.runtime import protocol
from engine.xray.actions import recorded

_MOST_RELEASED = 2000  # in one frame


class Publishing:
    """What people do with ports.

    Args:
        get: a container by name, id or beginning of an id, as it is now.
    """

    def __init__(
        self, paths: Paths, records: Records, ports: Ports, get: Callable[[str], Awaitable[Container]]
    ) -> None:
        self._paths = paths
        self._records = records
        self._ports = ports
        self._get = get

    async def list(self, reference: str) -> tuple[PublishedPort, ...]:
        """The ports of the host's that lead to a running container, one entry for each family; none of others.

        Raises:
            NotFound: there is no such container.
        """
        return port_notation.in_force(await self._get(reference))

    async def add(self, reference: str, ports: Sequence[PublishedPort]) -> tuple[PublishedPort, ...]:
        """Publish further ports, at once if the container runs and at every later start; as they were chosen.

        Raises:
            NotFound: there is no such container.
            InvalidRequest: it has no network of its own, or a port is named twice.
            Conflict: a port is in use.
            Unsupported: the kernel refuses.
        """
        container = await self._get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = await self._get(container.id)
            if not is_network(container.request.network):
                raise InvalidRequest(
                    f"{container.name} has no network of its own", "publish ports where its network is made"
                )
            require_distinct((*container.ports, *ports))
            self._ports.settle(container.id)
            if not container.is_running:
                return self._noted(container, tuple(ports))
            with recorded(self._paths, "publish", container.id, container.name):
                return await self._added(container, ports)

    async def _added(self, container: Container, ports: Sequence[PublishedPort]) -> tuple[PublishedPort, ...]:
        runtime = self._paths.runtime(container.id)
        in_the_way = _places(ports) | _places(replace(port, host_address="") for port in ports)
        await self._release(container, in_the_way - _places(container.ports))  # an engine was killed over those
        with self._ports.reserved(container, ports) as (hold, chosen):
            await shims.ask(runtime, protocol.Reserve(), [hold.fileno()])
            try:
                self._ports.follow(replace(container, ports=(*container.ports, *chosen)))
                return self._noted(container, tuple(chosen))
            except BaseException:
                await self._let_go(container, self._ports.follow(container), chosen)
                raise

    async def remove(self, reference: str, ports: Sequence[PublishedPort]) -> tuple[PublishedPort, ...]:
        """Withdraw ports, with the connections that came through them; those that were withdrawn.

        Args:
            ports: as they were published; what one leaves open, such as the host's port, isn't compared.

        Raises:
            NotFound: there is no such container, or one of the ports isn't published.
        """
        container = await self._get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = await self._get(container.id)
            self._ports.settle(container.id)
            gone = _matching(container, ports)
            kept = tuple(port for port in container.ports if port not in gone)
            after = replace(container, ports=kept)
            self._records.change(
                container.id, lambda now: replace(now, ports=kept), "unpublish", port_notation.summary(tuple(gone))
            )
            if container.is_running:
                with recorded(self._paths, "unpublish", container.id, container.name):
                    await self._let_go(after, self._ports.follow(after), tuple(gone))
            return tuple(port for port in container.ports if port in gone)

    def obstacles(self, container: Container) -> tuple[str, ...]:
        """What rules of others may keep from a container, one sentence each; they are never touched."""
        found: dict[str, None] = {}
        way = way_to(container.endpoints) if any(map(_is_for_others, container.ports)) else Way()
        for endpoint in container.endpoints:
            has_ports = endpoint.bridge in (way.bridge4, way.bridge6)
            with suppress(OSError):
                found |= dict.fromkeys(obstacles(self._paths.table_name, endpoint, has_ports))
        return tuple(found)

    def _noted(self, container: Container, ports: tuple[PublishedPort, ...]) -> tuple[PublishedPort, ...]:
        after = (*container.ports, *ports)
        self._records.change(
            container.id, lambda now: replace(now, ports=after), "publish", port_notation.summary(ports)
        )
        return ports

    async def _let_go(
        self, container: Container, mappings: Sequence[PortMapping], ports: Sequence[PublishedPort]
    ) -> None:
        """Have the shim give back what isn't published any more; when it has just ended it has done so."""
        taken = {(str(mapping.host_address), mapping.host_port, mapping.protocol) for mapping in mappings}
        await self._release(container, taken | _places(ports))

    async def _release(self, container: Container, places: set[Taken]) -> None:
        wanted = tuple(places)
        try:
            for first in range(0, len(wanted), _MOST_RELEASED):
                message = protocol.Release(wanted[first : first + _MOST_RELEASED])
                await shims.ask(self._paths.runtime(container.id), message)
        except Conflict:
            return


def _is_for_others(port: PublishedPort) -> bool:
    """Whether others than the host itself reach it."""
    return not port.host_address or not ip_address(port.host_address).is_loopback


def _places(ports: Iterable[PublishedPort]) -> set[Taken]:
    """Where on the host a shim holds them."""
    return {
        (address, port.host_port, port.protocol)
        for port in ports
        for address in ([port.host_address] if port.host_address else ["0.0.0.0", "::"])
    }


def _matching(container: Container, ports: Iterable[PublishedPort]) -> set[PublishedPort]:
    """Those of a container's ports that are named."""
    own: dict[str, list[PublishedPort]] = {}
    for port in container.ports:
        own.setdefault(port.container_words, []).append(port)
    found: set[PublishedPort] = set()
    for wanted in ports:
        named = {port for port in own.get(wanted.container_words, ()) if _is_named(port, wanted)}
        if not named:
            raise NotFound(
                f"{container.name} has no published port {_words(wanted)}",
                f"see those that it has with: boxdeck port {container.name}",
            )
        found |= named
    return found


def _words(port: PublishedPort) -> str:
    """As people name it, such as ``8080:80/tcp``."""
    place = port_notation.host_words(port) if port.host_address else str(port.host_port or "")
    return f"{place}:{port.container_words}" if place else port.container_words


def _is_named(port: PublishedPort, wanted: PublishedPort) -> bool:
    return wanted.host_port in (0, port.host_port) and wanted.host_address in ("", port.host_address)
