"""A start: what an earlier run left cleared away, the network in place, and the launcher asked for a shim."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from engine import etc_files, joining
from engine.cgroups import reservation
from engine.errors import BoxdeckError
from engine.exec_process import compile_exec
from engine.launch import Launcher
from engine.log_attributes import log_attributes
from engine.model import Container, Endpoint, ExecRequest, Network
from engine.names.post import LOCK
from engine.network.networks import Networks
from engine.network.plan import NetworkPlan
from engine.paths import Paths
from engine.ports import Ports
from engine.preparation import Preparation
from engine.records import Records
from engine.recovery import Recovery
from engine.restarts import Restarts
from engine.runtime import protocol, status
from engine.signal_names import signal_number
from engine.updates import Updates
from engine.xray.actions import recorded

_LEAVING_SECONDS = 0.1
_LEAVING_LOOKS = 50


class Starting:
    """Starts containers; whoever asks holds the container's lock.

    Args:
        kill: ends a container that mustn't live.
    """

    def __init__(
        self,
        paths: Paths,
        records: Records,
        recovery: Recovery,
        preparation: Preparation,
        networks: Networks,
        updates: Updates,
        ports: Ports,
        restarts: Restarts,
        launcher: Launcher,
        kill: Callable[[Container], Awaitable[object]],
    ) -> None:
        self._paths = paths
        self._records = records
        self._recovery = recovery
        self._preparation = preparation
        self._networks = networks
        self._updates = updates
        self._ports = ports
        self._restarts = restarts
        self._launcher = launcher
        self._kill = kill

    async def is_ready(self, container: Container) -> bool:
        """Clear away what an earlier run left; False when the container runs."""
        self._updates.settle(container.id)
        found = status.read(self._paths.status(container.id))
        if found is None:
            return True
        if status.shim_is_alive(found):
            if not found.is_final:
                return False
            if found.next_restart is None:  # otherwise it stays, and has unmounted everything by the time of that
                await _leave(found)
        self._recovery.refresh()
        shutil.rmtree(self._paths.runtime(container.id), ignore_errors=True)
        return True

    async def launch(self, container: Container, attach: bool, is_due: bool = False) -> socket.socket:
        """Have it started; the connection to its shim, which with `attach` its streams come over.

        Args:
            is_due: by its restart policy, and not by hand.

        Raises:
            BoxdeckError: why it can't be started.
        """
        with recorded(self._paths, "start", container.id, container.name) as xray:
            return await self._launch(container, attach, is_due, xray)

    async def _launch(self, container: Container, attach: bool, is_due: bool, xray: str) -> socket.socket:
        plan, endpoints = await self._network_plan(container)
        request = protocol.Launch(
            container_id=container.id,
            generation=self._records.next_generation(container.id),
            bundle=str(self._paths.bundle(container.id)),
            cgroup=self._paths.cgroup_path(container.id),
            runtime_directory=str(self._paths.runtime(container.id)),
            log=str(self._paths.log(container.id)),
            history=str(self._paths.histories),
            names=str(self._paths.names / LOCK),
            veth_name=self._paths.veth_name(container.id),
            network=plan,
            interactive=container.request.interactive,
            attach=attach,
            seccomp_cache=str(self._paths.seccomp_cache),
            log_config=container.request.log,
            journal_fields=self._journal_fields(container) if container.request.log.driver == "journald" else {},
            restarting=self._restarts.order(container, is_due),
            health=self._health_order(container),
            xray=xray,
        )
        try:
            with (
                joining.joined(self._paths, self._records, container) as others,
                self._ports.opened(container, endpoints) as hold,
            ):
                connection = await self._launcher.launch(request, hold)
                await self._require_alive(others, container, connection)
                if reservation.reserves(container.request.limits):
                    reservation.hand_down(self._paths.cgroup_name)
                return connection
        except BaseException:
            self._recovery.refresh()
            raise

    def _journal_fields(self, container: Container) -> dict[str, str]:
        """What docker's driver tells the journal about a container."""
        process = joining.spec(self._paths, container.id).process
        named = log_attributes(container, process.env if process is not None else ())
        return {
            **{re.sub(r"[^A-Z0-9_]", "_", name.upper()).lstrip("_"): value for name, value in named.items()},
            "CONTAINER_ID": container.short_id,
            "CONTAINER_ID_FULL": container.id,
            "CONTAINER_NAME": container.name,
            "CONTAINER_TAG": container.short_id,
            "IMAGE_NAME": container.request.image,
            "SYSLOG_IDENTIFIER": container.short_id,
        }

    def _health_order(self, container: Container) -> protocol.HealthOrder | None:
        if container.health_check is None:
            return None
        spec = joining.spec(self._paths, container.id)
        return protocol.HealthOrder(
            check=container.health_check,
            process=compile_exec(spec, None, ExecRequest(argv=container.health_check.argv)),
            on_unhealthy=container.request.health.on_unhealthy,
            stop_signal=signal_number(container.request.stop_signal or "SIGTERM"),
            stop_seconds=container.request.stop_patience_seconds,
        )

    async def _require_alive(self, others: tuple[int, ...], container: Container, connection: socket.socket) -> None:
        """End what may have joined somebody else's namespaces, since their owner has ended meanwhile."""
        try:
            joining.require_alive(others)
        except BoxdeckError:
            connection.close()
            await self._kill(container)
            raise

    async def _network_plan(self, container: Container) -> tuple[NetworkPlan | None, tuple[Endpoint, ...]]:
        """What makes the container's interfaces, and its places."""
        if not container.endpoints:
            return None, ()
        networks = await self._networks.ensure(*(endpoint.network for endpoint in container.endpoints))
        endpoints = self._current_endpoints(container, networks)
        asked = etc_files.asked_networks(self._paths, replace(container, endpoints=endpoints))
        await self._networks.serve_names(asked, networks)
        return await self._networks.plan(endpoints, container.name, has_ports=bool(container.ports)), endpoints

    def _current_endpoints(self, container: Container, networks: tuple[Network, ...]) -> tuple[Endpoint, ...]:
        """The container's places, which are new when a network had to move to another subnet."""
        endpoints = self._networks.endpoints(container.id, networks)
        if endpoints != container.endpoints:
            self._preparation.move(container, endpoints)
        return endpoints


async def _leave(last: status.Status) -> None:
    """Let an earlier run's shim unmount what it still holds; one that has viewers left to serve holds nothing."""
    for _ in range(_LEAVING_LOOKS):
        await asyncio.sleep(_LEAVING_SECONDS / _LEAVING_LOOKS)
        if not status.shim_is_alive(last):
            return
