"""Networks with the containers on them: connected and disconnected while they run or not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from engine import etc_files
from engine.compile.namespaces import is_network
from engine.errors import Conflict, RuntimeFailure
from engine.linux import namespaces
from engine.locks import ContainerLock
from engine.lookup import require_whole
from engine.model import Attachment, Container, Endpoint, Network
from engine.network import encode, host, interface, transport, wiring
from engine.network.networks import Networks
from engine.paths import Paths
from engine.ports import Ports
from engine.records import Records
from engine.runtime import status
from engine.store.database import Database
from engine.xray.actions import recorded


class ConnectedNetworks(Networks):
    """The face of networks."""

    def __init__(self, paths: Paths, database: Database) -> None:
        super().__init__(paths, database)
        self._records = Records(database)
        self._ports = Ports(paths, database, self._records, self.firewall)

    async def connect(self, reference: str, container: str, wish: Attachment | None = None) -> Endpoint:
        """Put a container on a further network, at once if it runs, and for every later start.

        Args:
            wish: addresses and further names; its network is `reference`.

        Raises:
            NotFound: no such network or container.
            Conflict: it is on it already, has no network of its own, or what is wished for is another's.
            InvalidRequest: what is wished for can't be.
            RuntimeFailure: with the kernel's reason.
        """
        network = await self.get(reference)
        found = self._records.find(container)
        if not is_network(found.request.network) and found.request.network != "none":
            raise Conflict(
                f"{found.name} has no network of its own (--network {found.request.network})",
                "connect the container whose network it is on, or create it anew",
            )
        await self.ensure(network.id)
        wish = replace(wish or Attachment(network=network.id), network=network.id)
        async with ContainerLock(self._paths, found.id).held():
            before = self.endpoints(found.id)
            if any(endpoint.network_id == network.id for endpoint in before):
                raise Conflict(f"{found.name} is on the network {network.name} already", "see: boxdeck network inspect")
            with self._database.transaction():
                require_whole(self._records.find(found.id))  # it may have been removed while we waited
                endpoint = self.lease(found.id, wish)
            try:
                with recorded(self._paths, "connect", found.id, found.name):
                    await self._wire(found, endpoint, before)
            except BaseException:
                with self._database.transaction():
                    self.give_back(found.id, network)
                raise
            with self._database.transaction():
                now = self._write_down(found.id, network, "connect")
            self._tell(now)
            asked = etc_files.asked_networks(self._paths, now)
        await self.serve_names(asked)
        return endpoint

    async def disconnect(self, reference: str, container: str) -> None:
        """Take a container from a network, at once if it runs, and for every later start.

        Raises:
            NotFound: no such network or container.
            Conflict: it isn't on it.
        """
        network = await self.get(reference)
        found = self._records.find(container)
        async with ContainerLock(self._paths, found.id).held():
            endpoint = next((end for end in self.endpoints(found.id) if end.network_id == network.id), None)
            if endpoint is None:
                raise Conflict(f"{found.name} isn't on the network {network.name}", "see: boxdeck network inspect")
            with self._database.transaction():  # all at once: what isn't leased to it any more its record doesn't know
                self.give_back(found.id, network)
                now = self._write_down(found.id, network, "disconnect")
            self._tell(now)
            with recorded(self._paths, "disconnect", found.id, found.name):
                await asyncio.to_thread(wiring.remove, endpoint.host_interface)
                await self._lead_out(found, self.endpoints(found.id))

    async def rewire(self, container: Container, endpoint: Endpoint) -> None:
        """Make a running container's interface on one of its networks again; the caller holds its lock.

        Raises:
            RuntimeFailure: with the kernel's reason.
        """
        if interface.index_of(endpoint.host_interface) is not None:
            await asyncio.to_thread(wiring.remove, endpoint.host_interface)
        others = [end for end in container.endpoints if end != endpoint]
        await self._wire(container, endpoint, others)
        await self._lead_out(container, (endpoint,))

    def _write_down(self, container_id: str, network: Network, action: str) -> Container:
        """Have the container's record say where it is now; called in a transaction."""
        container = self._records.find(container_id)
        container = replace(container, endpoints=self.endpoints(container_id))
        self._records.update(container)
        self._database.record_event("network", action, network.id, network.name, container.id)
        return container

    def _tell(self, container: Container) -> None:
        """Have the container's own files and its published ports follow its record."""
        with suppress(FileNotFoundError):  # it has been removed meanwhile
            etc_files.rewrite(self._paths, container)
        self._lead_in(container)

    def _lead_in(self, container: Container) -> None:
        """Have published ports lead to where the container is now; nowhere, if nothing leads there."""
        if container.ports:
            try:
                self._ports.follow(container)
            except Conflict:
                self._ports.close(container.id)

    async def _wire(self, container: Container, endpoint: Endpoint, before: Sequence[Endpoint]) -> None:
        """Make the interface, if the container runs."""
        plan = await self.plan((endpoint,), container.name, settled=before)
        home = self._home(container)
        if home is None:
            return
        try:
            wiring.connect(home, plan)
            wiring.describe(plan)
        except OSError as error:
            cause = f"{container.name} can't be connected to {endpoint.network} ({error.strerror or error})"
            look = f"look into it with: boxdeck exec {container.name} ip addr"
            raise RuntimeFailure(cause, error.remedy if isinstance(error, wiring.NameTaken) else look) from error
        finally:
            os.close(home)

    async def _lead_out(self, container: Container, left: Sequence[Endpoint]) -> None:
        """Give a running container another way out, where that went by the network that it is on no more."""
        gateways = [
            next((gateway for gateway in family if gateway), "")
            for family in ([end.gateway for end in left], [end.gateway6 for end in left])
        ]
        home = self._home(container) if any(gateways) else None
        if home is None:
            return
        await host.load()
        try:
            with namespaces.entered(home, "net"):
                sock = transport.open_socket()
            with sock:
                for gateway in filter(None, gateways):
                    with suppress(OSError):  # there is one, or the container has its own mind about it
                        transport.send_requests(sock, (encode.add_default_route(gateway),))
        finally:
            os.close(home)

    def _home(self, container: Container) -> int | None:
        """A descriptor of a running container's network namespace; the caller holds its lock."""
        found = status.read(self._paths.status(container.id))
        if found is None or found.pid is None or found.is_final:
            return None
        try:
            home = os.open(f"/proc/{found.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if status.read(self._paths.status(container.id)) == found and status.shim_is_alive(found):
            return home  # the pid wasn't somebody else's
        os.close(home)
        return None
