"""The verbs: what can be done to containers. Every one may be called from several engines at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine import joining, log_reader, naming, restart_policy, shims
from engine.compile.namespaces import attachments, check_network
from engine.debugging import debug_request
from engine.disk_use import disk_bytes
from engine.ending import Ending
from engine.errors import BoxdeckError, Conflict
from engine.history import read_history
from engine.images.images import Images
from engine.images.removal import discard_tree
from engine.launch import Launcher
from engine.limits import Limits
from engine.locks import ContainerLock
from engine.lookup import Lookup, require_running
from engine.model import (
    Container,
    ContainerRequest,
    ExecRequest,
    History,
    LogLine,
    ProcessInfo,
    State,
)
from engine.network.networks import Networks
from engine.paths import Paths
from engine.pausing import Pausing
from engine.ports import Ports
from engine.preparation import Preparation
from engine.pruning import Pruned, PruneFilter
from engine.records import Records
from engine.recovery import Recovery
from engine.removal import Removal
from engine.restart_policy import RestartPolicy
from engine.restarts import Restarts
from engine.running import Running
from engine.runtime.protocol import KeptSession
from engine.session import Session
from engine.starting import Starting
from engine.store.database import Database
from engine.streams import Streams
from engine.updates import Updates
from engine.volume_filling import fill_volumes, with_volumes
from engine.volumes import Volumes
from engine.volumes_from import with_volumes_of_others
from engine.xray.actions import recorded

if TYPE_CHECKING:
    from engine.model import LimitsInForce
    from engine.publishing import Publishing
    from engine.top import Top


class Containers:
    """Containers of one root."""

    def __init__(
        self, paths: Paths, database: Database, images: Images, networks: Networks, volumes: Volumes, launcher: Launcher
    ) -> None:
        self._paths = paths
        self._images = images
        self._networks = networks
        self._records = Records(database)
        self._ports = Ports(paths, database, self._records, networks.firewall)
        self._restarts = Restarts(paths, self._records)
        self._volumes = volumes
        self._recovery = Recovery(paths, self._records, self._ports, self._restarts)
        self._ports.refresh = self._recovery.refresh
        self._removal = Removal(paths, self._records, self._ports, volumes)
        running = Running(paths, database, self._records, self._recovery)
        self._lookup = Lookup(self._records, self._recovery, running, self._removal)
        self._preparation = Preparation(paths, database, self._records, networks)
        self._updates = Updates(paths, self._records)
        self._pausing = Pausing(paths, self._records)
        self._ending = Ending(paths, images, self._records, self._lookup, self._pausing, self._restarts)
        self._streams = Streams(paths, self._lookup)
        self._starting = Starting(
            paths,
            self._records,
            self._recovery,
            self._preparation,
            networks,
            self._updates,
            self._ports,
            self._restarts,
            launcher,
            self._ending.kill_now,
        )

    def close(self) -> None:
        """Let go of what watches the containers."""
        self._lookup.close()

    # Looking

    async def list(self, all_states: bool = False) -> tuple[Container, ...]:
        """Containers, newest first: the running ones, or all."""
        return await self._lookup.list(all_states)

    async def running(self, doubtful: Collection[str] = ()) -> tuple[Container, ...]:
        """As `list`, for those who ask every second: without news it costs next to nothing.

        Args:
            doubtful: ids of those that the caller found nothing of any more; they are looked at closely.
        """
        return await self._lookup.running(doubtful)

    async def get(self, reference: str) -> Container:
        """A container by name, id or unique prefix of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        return await self._lookup.get(reference)

    async def refresh(self) -> None:
        """Take over what shims have written since; containers that asked for it are removed at their end."""
        await self._lookup.refresh()

    async def recover(self, makes_overdue_starts: bool = True) -> None:
        """Once per engine: clean up what killed engines, shims and machines have left.

        Args:
            makes_overdue_starts: have the starts made that killed shims have put off and can't make any more.
        """
        self._recovery.clean_up()
        self._updates.settle_all()
        await self._removal.sweep_ended(self._records.all())
        if makes_overdue_starts:
            self._restarts.make_overdue()

    async def runtime_spec(self, reference: str) -> bytes:
        """The container's OCI ``config.json``."""
        return self._config(await self.get(reference))

    def _config(self, container: Container) -> bytes:
        return joining.template(self._paths, container.id).read_bytes()

    async def top(self, reference: str, proportional: bool = False) -> tuple[ProcessInfo, ...]:
        """The processes inside with what they use, parents before children.

        Percents are over the time since the last call, and None in the first.

        Args:
            proportional: find out `ProcessInfo.proportional_bytes`, too, which walks through all their pages.

        Raises:
            Conflict: it isn't running.
        """
        container = await self._lookup.get_running(reference)
        path = self._paths.cgroup_path(container.id)
        return await asyncio.to_thread(self._top.look, path, container.pid or 0, proportional)

    @cached_property
    def _top(self) -> Top:
        from engine.top import Top

        return Top()

    async def history(self, reference: str) -> History:
        """What it used in the last hour by the second, and in the last day by the minute.

        It is recorded from each start on whether anybody looks or not, and kept until the container is removed or the
        machine is restarted. An end within the first second leaves no record.

        Raises:
            NotFound: there is none.
        """
        container = await self.get(reference)
        return await asyncio.to_thread(read_history, self._paths.history(container.id), container.id)

    # Life

    async def create(self, request: ContainerRequest) -> Container:
        """Make a container without starting it.

        Raises:
            BoxdeckError: with what can't be; nothing is left behind then.
        """
        image = await self._images.ensure(request.image)
        check_network(request)
        request = with_volumes_of_others(request, self._records.find)
        request = self._volumes.mounted(with_volumes(request, image.config.volumes))
        if wishes := attachments(request):
            await self._networks.ensure(*(wish.network for wish in wishes))
        container_id = naming.new_id()
        lock = ContainerLock(self._paths, container_id)
        async with lock.held():
            try:
                with recorded(self._paths, "create", container_id, request.name or container_id[:12]):
                    container = self._preparation.create(container_id, request, image)
            except BaseException:
                await asyncio.to_thread(discard_tree, self._paths.container(container_id))
                lock.forget()
                await self._volumes.remove_unnamed(request)
                raise
        try:
            self._volumes.require(request)
            await fill_volumes(self._paths, self, self._volumes, container)
        except BaseException:
            await self._removal.delete_quietly(container_id)
            raise
        return container

    async def start(self, reference: str) -> Container:
        """Start a container that isn't running; one that is stays as it is.

        Raises:
            NotFound: there is none.
            BoxdeckError: why it can't be started.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            if await self._starting.is_ready(container):
                (await self._starting.launch(container, attach=False)).close()
            return self._lookup.seen(container)

    async def restart_due(self, container_id: str) -> None:
        """Make a start that a restart policy has put off, unless somebody was faster or has called it off.

        Raises:
            BoxdeckError: why it can't be started.
        """
        async with ContainerLock(self._paths, container_id).held():
            container = self._records.get(container_id)
            if (
                container is not None
                and container.state is State.RESTARTING
                and await self._starting.is_ready(container)
            ):
                (await self._starting.launch(container, attach=False, is_due=True)).close()

    async def restore(self) -> AsyncIterator[tuple[Container, BoxdeckError | None]]:
        """After a boot, start every container whose restart policy wants that, the oldest first.

        Yields:
            each, and why it couldn't be started; None when it was.
        """
        await self.refresh()
        for container in self._restarts.to_restore():
            try:
                yield await self.start(container.id), None
            except BoxdeckError as error:
                yield container, error

    async def set_restart_policy(self, reference: str, policy: RestartPolicy) -> Container:
        """Change what is to be done when a container has ended by itself, from now on.

        Raises:
            InvalidRequest: it is to be removed at its end.
        """
        container = await self.get(reference)
        restart_policy.check(policy, container.request.auto_remove)
        async with ContainerLock(self._paths, container.id).held():
            order = self._restarts.change(self._lookup.seen(container), policy)
            if container.is_running:
                with suppress(BoxdeckError):  # it has just ended
                    await shims.ask(self._paths.runtime(container.id), order)
        return self._records.get(container.id) or container

    async def start_attached(self, reference: str) -> Session:
        """Start a container with its streams in hand before its first instruction.

        Raises:
            Conflict: it runs already.
            BoxdeckError: why it can't be started.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            if not await self._starting.is_ready(container):
                raise Conflict(
                    f"{container.name} is running already", f"attach to it with: boxdeck attach {container.name}"
                )
            connection = await self._starting.launch(container, attach=True)
            container = self._lookup.just_started(container)
        return Session(connection, container, container.request.tty, self._lookup.follow_up(container))

    async def run(self, request: ContainerRequest) -> Container:
        """Create and start; a start that fails leaves nothing behind."""
        container = await self.create(request)
        try:
            return await self.start(container.id)
        except BoxdeckError:
            await self._removal.delete_quietly(container.id)
            raise

    async def run_attached(self, request: ContainerRequest) -> Session:
        """Create and start with the streams in hand; a start that fails leaves nothing behind."""
        container = await self.create(request)
        try:
            return await self.start_attached(container.id)
        except BoxdeckError:
            await self._removal.delete_quietly(container.id)
            raise

    # Limits

    async def update(self, reference: str, limits: Limits) -> Container:
        """Change the limits that are given, all or none; at once if it runs, and for every later start.

        Raises:
            InvalidRequest: they contradict each other or the present ones, or the kernel refuses one.
            Unsupported: this machine hasn't got one.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            with recorded(self._paths, "update", container.id, container.name):
                return self._updates.update(self._lookup.seen(container).id, limits)

    async def limits(self, reference: str) -> LimitsInForce:
        """What binds a running container: memory, processor time and processes, and all limits of its own as in force.

        Raises:
            Conflict: it isn't running.
        """
        from engine.cgroups.in_force import in_force
        from engine.cgroups.manager import Cgroup

        container = await self._lookup.get_running(reference)
        path = self._paths.cgroup_path(container.id)
        return replace(in_force(path), own=Cgroup(path).read_limits())

    # Ports

    @cached_property
    def ports(self) -> Publishing:
        """Ports of the host's that lead to containers: listed, published and withdrawn."""
        from engine.publishing import Publishing

        return Publishing(self._paths, self._records, self._ports, self.get)

    # Standing still

    async def pause(self, reference: str) -> Container:
        """Freeze all its processes.

        Raises:
            Conflict: it isn't running, or is paused already.
            Unsupported: there is no freezer, or a process is stuck in the kernel.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = self._lookup.seen(container)
            require_running(container)
            return await self._pausing.pause(container)

    async def unpause(self, reference: str) -> Container:
        """Let a paused container go on.

        Raises:
            Conflict: it isn't paused.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = self._lookup.seen(container)
            require_running(container)
            return await self._pausing.unpause(container)

    async def rename(self, reference: str, name: str) -> Container:
        """Give a container another name, whether it runs or not; its host name stays what it is.

        Raises:
            NotFound: there is no such container.
            Conflict: the name is in use, also if it is the container's own.
            InvalidRequest: it can't be a name.
        """
        naming.check_name(name)
        container = await self.get(reference)
        if container.name == name:
            raise Conflict(f"the container is called {name} already", "choose another name")
        async with ContainerLock(self._paths, container.id).held():  # a start writes down what it knew before
            return self._records.rename(container.id, name)

    # Ending

    async def stop(self, reference: str, timeout_seconds: float | None = None, signal: str | None = None) -> Container:
        """Ask the process to end, and kill it when the time is over.

        Args:
            timeout_seconds: None takes the request's, or 10.
            signal: by name or number; None takes the request's or the image's.

        Raises:
            InvalidRequest: there is no such signal.
        """
        return await self._ending.stop(reference, timeout_seconds, signal)

    async def kill(self, reference: str, signal: str = "SIGKILL") -> None:
        """Send the process a signal, by name or number.

        Raises:
            Conflict: it isn't running.
            InvalidRequest: there is no such signal.
        """
        await self._ending.kill(reference, signal)

    async def restart(
        self, reference: str, timeout_seconds: float | None = None, signal: str | None = None
    ) -> Container:
        """Stop as `stop` does, then start; one that isn't running is just started."""
        container = await self.stop(reference, timeout_seconds, signal)
        self._records.change(replace(container, restarts=container.restarts + 1), "restart")
        return await self.start(container.id)

    async def remove(self, reference: str, force: bool = False, volumes: bool = False) -> None:
        """Delete a container and everything that it wrote.

        Args:
            volumes: its unnamed volumes, too.

        Raises:
            Conflict: it runs, and `force` isn't given.
        """
        container = await self.get(reference)
        _require_removable(container, force)
        if container.is_running:
            await self._ending.kill_now(container)
        with recorded(self._paths, "rm", container.id, container.name):
            await self._delete(container, force)
            if volumes:
                await self._volumes.remove_unnamed(container.request)

    async def _delete(self, container: Container, force: bool) -> None:
        """Delete one that doesn't run; who has started it meanwhile, perhaps its restart policy, was faster."""
        while True:
            async with ContainerLock(self._paths, container.id).held():
                self._lookup.seen(container)
                now = self._records.get(container.id)
                if now is None or not now.is_running:
                    await self._removal.delete_locked(container.id)
                    return
            _require_removable(now, force)
            await self._ending.kill_now(now)

    async def prune(self, wanted: PruneFilter) -> Pruned:
        """Remove all containers that don't run.

        Returns:
            Their ids, and the bytes of disk that are free again.
        """
        lines, freed = [], 0
        for container in await self.list(all_states=True):
            if container.is_running or not wanted.passes(container.created_unix_ns, container.request.labels):
                continue
            size = await self.disk_bytes(container.id)
            async with ContainerLock(self._paths, container.id).held():
                if self._lookup.seen(container).is_running:  # somebody has started it meanwhile
                    continue
                await self._removal.delete_locked(container.id)
            lines.append(container.id)
            freed += size
        return Pruned(lines=tuple(lines), reclaimed_bytes=freed)

    async def disk_bytes(self, reference: str) -> int:
        """What a container takes on the disk: what it changed against its image, and its log."""
        container = await self.get(reference)
        return await asyncio.to_thread(disk_bytes, self._paths.container(container.id))

    async def written_bytes(self, reference: str) -> int:
        """What a container has changed against its image, as the disk has it."""
        container = await self.get(reference)
        return await asyncio.to_thread(disk_bytes, self._paths.upper(container.id))

    async def wait(self, reference: str) -> int:
        """The exit status, at once or when the process has ended.

        Raises:
            Conflict: it was never started.
        """
        return await self._ending.wait(reference)

    # Streams

    async def attach(self, reference: str) -> Session:
        """The streams of the first process, from now on.

        Raises:
            Conflict: it isn't running, or is paused.
        """
        return await self._streams.attach(reference)

    async def exec(self, reference: str, request: ExecRequest) -> Session:
        """Run a further process in a running container.

        Raises:
            Conflict: it isn't running, or is paused.
            CommandNotFound, CommandNotExecutable: as their names say.
        """
        return await self._streams.exec(reference, request)

    async def shell(self, reference: str, request: ExecRequest) -> Session:
        """Run the first shell that a container has: its user's own, bash, ash or sh.

        Args:
            request: whose command is replaced.

        Raises:
            Conflict: it isn't running, or is paused.
            CommandNotFound: it has none of them; see `debug`.
        """
        return await self._streams.shell(reference, request)

    async def debug(self, reference: str, command: tuple[str, ...] = (), *, tty: bool = True) -> Session:
        """Run a shell, or another command, of the image ``base`` in a container's namespaces (`engine.debugging`).

        It is a container of its own, which is removed when it ends, and has the other's files at ``/proc/1/root``.

        Raises:
            Conflict: the container isn't running.
        """
        container = await self._lookup.get_running(reference)
        await self._images.ensure("base")
        return await self.run_attached(debug_request(container, command, tty=tty))

    async def sessions(self, reference: str) -> tuple[KeptSession, ...]:
        """The further processes of a running container that are kept (`ExecRequest.kept`).

        Raises:
            Conflict: it isn't running.
        """
        return await self._streams.sessions(reference)

    async def resume(self, reference: str, name: str) -> Session:
        """Go on with a further process that is kept; others may be connected to it, too.

        Raises:
            Conflict: the container isn't running, or is paused.
            NotFound: no process is kept by that name.
        """
        return await self._streams.resume(reference, name)

    def logs(
        self,
        reference: str,
        follow: bool = False,
        tail: int | None = None,
        since_unix_ns: int | None = None,
        until_unix_ns: int | None = None,
    ) -> AsyncIterator[LogLine]:
        """What the container wrote, oldest first; with `follow` until it ends.

        Args:
            tail: of the lines that there are, only so many from the end.
            since_unix_ns: none written before.
            until_unix_ns: none written after; `follow` ends then, too.

        Raises:
            NotFound: there is none (raised by the first step of the iteration).
        """
        return self._streams.logs(reference, log_reader.Reading(follow, tail, since_unix_ns, until_unix_ns))


def _require_removable(container: Container, force: bool) -> None:
    """Refuse one that runs, or soon will again.

    Raises:
        Conflict: with how to end it.
    """
    if not force and (container.is_running or container.state is State.RESTARTING):
        raise Conflict(
            f"{container.name} is {'running' if container.is_running else 'restarting'}",
            f"stop it first with: boxdeck stop {container.name} (or remove it with: boxdeck rm -f)",
        )
