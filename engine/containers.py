"""The verbs: what can be done to containers. Every one may be called from several engines at once."""

from __future__ import annotations

import asyncio
import math
import signal as signals
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine import joining, log_reader, naming, restart_policy, shims
from engine.compile.namespaces import attachments, check_network
from engine.disk_use import disk_bytes
from engine.errors import BoxdeckError, Conflict, NotFound
from engine.exec_process import compile_exec
from engine.folding import Folding
from engine.history import read_history
from engine.images.images import Images
from engine.images.removal import discard_tree
from engine.launch import Launcher
from engine.limits import Limits
from engine.locks import ContainerLock
from engine.model import (
    Container,
    ContainerRequest,
    ExecRequest,
    History,
    ImageConfig,
    LogLine,
    ProcessInfo,
    State,
)
from engine.network.networks import Networks
from engine.oci.runtime_spec import decode
from engine.options import VolumeMount
from engine.paths import Paths
from engine.pausing import Pausing
from engine.ports import Ports
from engine.preparation import Preparation
from engine.pruning import Pruned, PruneFilter
from engine.records import Records
from engine.recovery import Recovery
from engine.restart_policy import RestartPolicy
from engine.restarts import Restarts
from engine.running import Running
from engine.runtime import protocol, status
from engine.session import Session
from engine.signal_names import signal_number
from engine.starting import Starting
from engine.store.database import Database
from engine.updates import Updates
from engine.volumes import Volumes

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
        self._folding = Folding(self._recovery.refresh_one)
        self._running = Running(paths, database, self._records, self._recovery)
        self._preparation = Preparation(paths, database, self._records, networks)
        self._updates = Updates(paths, self._records)
        self._pausing = Pausing(paths, self._records)
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
            lambda container: self._end(container, signals.SIGKILL, None),
        )

    def close(self) -> None:
        """Let go of what watches the containers."""
        self._folding.close()
        self._running.close()

    # Looking

    async def list(self, all_states: bool = False) -> tuple[Container, ...]:
        """Containers, newest first: the running ones, or all."""
        await self.refresh()
        return tuple(c for c in self._records.all() if all_states or c.is_running)

    async def running(self, doubtful: Collection[str] = ()) -> tuple[Container, ...]:
        """As `list`, for those who ask every second: without news it costs next to nothing.

        Args:
            doubtful: ids of those that the caller found nothing of any more; they are looked at closely.
        """
        for container_id in self._running.look(doubtful):
            container = self._records.get(container_id)
            if container is not None and container.request.auto_remove and container.state is State.EXITED:
                await self._sweep(container_id)
        return self._running.containers

    async def get(self, reference: str) -> Container:
        """A container by name, id or unique prefix of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        container = self._records.find(reference)
        is_spoken_for = self._recovery.refresh_one(container.id)
        if not is_spoken_for and container.is_running:
            await self.refresh()
        if is_spoken_for or container.is_running:
            container = self._records.find(reference)
        if container.request.auto_remove and container.state is State.EXITED:
            await self._sweep(container.id)
            return self._records.find(reference)
        return container

    async def refresh(self) -> None:
        """Take over what shims have written since; containers that asked for it are removed at their end."""
        self._recovery.refresh()
        for container in self._records.all():
            if container.request.auto_remove and container.state is State.EXITED:
                await self._sweep(container.id)

    def _seen(self, container: Container) -> Container:
        """The container as it is now, also when it has ended already; for those who hold its lock."""
        self._recovery.refresh_one(container.id)
        return self._records.get(container.id) or container

    def _just_started(self, container: Container) -> Container:
        """As `_seen`; that it runs is written down in a moment."""
        now = self._recovery.look(container)
        if not now.is_running:
            return self._seen(container)
        self._folding.soon(container.id)
        return now

    def _follow_up(self, container: Container) -> Callable[[], Awaitable[None]]:
        """What to do when a session hears of the container's end: take it over, and remove what asked for it."""

        async def ended() -> None:
            self._folding.cancel(container.id)
            if not self._recovery.refresh_one(container.id):
                self._recovery.refresh()
            if container.request.auto_remove and not self._seen(container).is_running:
                await self._sweep(container.id)

        return ended

    async def recover(self, makes_overdue_starts: bool = True) -> None:
        """Once per engine: clean up what killed engines, shims and machines have left.

        Args:
            makes_overdue_starts: have the starts made that killed shims have put off and can't make any more.
        """
        self._recovery.clean_up()
        self._updates.settle_all()
        await self.refresh()
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
        container = await self.get(reference)
        self._require_running(container)
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
        request = self._volumes.mounted(_with_volumes(request, image.config.volumes))
        if wishes := attachments(request):
            await self._networks.ensure(*(wish.network for wish in wishes))
        container_id = naming.new_id()
        lock = ContainerLock(self._paths, container_id)
        async with lock.held():
            try:
                container = self._preparation.create(container_id, request, image)
            except BaseException:
                await asyncio.to_thread(discard_tree, self._paths.container(container_id))
                lock.forget()
                await self._volumes.remove_unnamed(request)
                raise
        try:
            self._volumes.require(request)
            await self._fill_volumes(container)
        except BaseException:
            await self._remove_quietly(container_id)
            raise
        return container

    async def _fill_volumes(self, container: Container) -> None:
        """Copy what the image has where volumes are mounted into those that are empty, as docker does."""
        if not (mounts := self._volumes.to_fill(container.request)):
            return
        from engine.copying.files import Files
        from engine.copying.places import ContainerPath, CopyOptions, HostPath

        files = Files(self._paths, self, sees_mounts=False)
        for mount in mounts:
            source = ContainerPath(container=container.id, path=mount.destination)
            target = HostPath(path=str(self._volumes.fresh(mount)))
            try:
                await files.copy(source, target, CopyOptions(archive=True))
            except (NotFound, Conflict):  # the image has nothing there, or no folder
                continue
            self._volumes.fill(mount)

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
            return self._seen(container)

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
            order = self._restarts.change(self._seen(container), policy)
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
            container = self._just_started(container)
        return Session(connection, container, container.request.tty, self._follow_up(container))

    async def run(self, request: ContainerRequest) -> Container:
        """Create and start; a start that fails leaves nothing behind."""
        container = await self.create(request)
        try:
            return await self.start(container.id)
        except BoxdeckError:
            await self._remove_quietly(container.id)
            raise

    async def run_attached(self, request: ContainerRequest) -> Session:
        """Create and start with the streams in hand; a start that fails leaves nothing behind."""
        container = await self.create(request)
        try:
            return await self.start_attached(container.id)
        except BoxdeckError:
            await self._remove_quietly(container.id)
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
            return self._updates.update(self._seen(container).id, limits)

    async def limits(self, reference: str) -> LimitsInForce:
        """What binds a running container: memory, processor time and processes, and all limits of its own as in force.

        Raises:
            Conflict: it isn't running.
        """
        from engine.cgroups.in_force import in_force
        from engine.cgroups.manager import Cgroup

        container = await self.get(reference)
        self._require_running(container)
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
            container = self._seen(container)
            self._require_running(container)
            return await self._pausing.pause(container)

    async def unpause(self, reference: str) -> Container:
        """Let a paused container go on.

        Raises:
            Conflict: it isn't paused.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = self._seen(container)
            self._require_running(container)
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
        container = await self.get(reference)
        if container.state is State.RESTARTING:
            async with ContainerLock(self._paths, container.id).held():
                self._restarts.call_off(container)
            container = await self.get(reference)
        if container.is_running:
            number = signal_number(signal) if signal else await self._stop_signal(container)
            self._restarts.mark_stopped(container, "stop")
            if not await self._end(container, number, _patience(container, timeout_seconds)):
                await self._end(container, signals.SIGKILL, None)
        return self._records.get(container.id) or container

    async def _end(self, container: Container, number: int, timeout_seconds: float | None) -> bool:
        """Send a signal and wait for the end; False when it doesn't come in time."""
        runtime = self._paths.runtime(container.id)
        try:
            with shims.connect(runtime) as waiting:
                await shims.post(waiting, protocol.Wait())
                await shims.ask(runtime, protocol.Kill(number, by_hand=True))
                self._pausing.let_die(container)
                await asyncio.wait_for(shims.answer(waiting), timeout_seconds)
        except TimeoutError:
            return False
        except BoxdeckError:
            pass  # it ended, or its shim was killed, between two of these lines
        await self._follow_up(container)()
        return True

    async def kill(self, reference: str, signal: str = "SIGKILL") -> None:
        """Send the process a signal, by name or number.

        Raises:
            Conflict: it isn't running.
            InvalidRequest: there is no such signal.
        """
        container = await self.get(reference)
        number = signal_number(signal)
        self._require_running(container)
        name = signals.Signals(number).name
        if number == signals.SIGKILL:
            await self._end(container, number, None)
            self._restarts.mark_stopped(container, "kill", name)
        elif number == await self._stop_signal(container):
            await shims.ask(self._paths.runtime(container.id), protocol.Kill(number, by_hand=True))
            self._restarts.mark_stopped(container, "kill", name)
        else:
            await shims.ask(self._paths.runtime(container.id), protocol.Kill(number))
            self._records.record_event(container, "kill", name)

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
        if container.is_running or container.state is State.RESTARTING:
            if not force:
                raise Conflict(
                    f"{container.name} is {'running' if container.is_running else 'restarting'}",
                    f"stop it first with: boxdeck stop {container.name} (or remove it with: boxdeck rm -f)",
                )
            if container.is_running:
                await self._end(container, signals.SIGKILL, None)
        await self._delete(container.id)
        if volumes:
            await self._volumes.remove_unnamed(container.request)

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
                if self._seen(container).is_running:  # somebody has started it meanwhile
                    continue
                await self._delete_locked(container.id)
            lines.append(container.id)
            freed += size
        return Pruned(lines=tuple(lines), reclaimed_bytes=freed)

    async def disk_bytes(self, reference: str) -> int:
        """What a container takes on the disk: what it changed against its image, and its log."""
        container = await self.get(reference)
        return await asyncio.to_thread(disk_bytes, self._paths.container(container.id))

    async def _delete(self, container_id: str) -> None:
        async with ContainerLock(self._paths, container_id).held():
            await self._delete_locked(container_id)

    async def _sweep(self, container_id: str) -> None:
        """Delete a container whose time has come, unless somebody is at it: the next one will."""
        with ContainerLock(self._paths, container_id).attempt() as locked:
            if locked:
                await self._delete_locked(container_id)

    async def _delete_locked(self, container_id: str) -> None:
        container = self._records.get(container_id)
        if container is None:
            return
        self._ports.close(container_id)
        self._records.delete(container)  # from here on it is gone; folders that stay are recovery's
        discard_tree(self._paths.runtime(container_id))
        await asyncio.to_thread(discard_tree, self._paths.container(container_id))
        self._paths.history(container_id).unlink(missing_ok=True)
        ContainerLock(self._paths, container_id).forget()
        if container.request.auto_remove:
            await self._volumes.remove_unnamed(container.request)

    async def _remove_quietly(self, container_id: str) -> None:
        try:
            await self._delete(container_id)
        except BoxdeckError:
            return

    async def wait(self, reference: str) -> int:
        """The exit status, at once or when the process has ended.

        Raises:
            Conflict: it was never started.
        """
        container = await self.get(reference)
        if container.is_running and (exit_status := await self._await_exit(container)) is not None:
            return exit_status
        if container.exit_status is None:
            container = await self.get(container.id)
        if container.exit_status is None:
            raise Conflict(f"{container.name} has not been started", f"start it with: boxdeck start {container.name}")
        return container.exit_status

    async def _await_exit(self, container: Container) -> int | None:
        """The status that the shim tells, or wrote down if it ended while it was asked."""
        runtime = self._paths.runtime(container.id)
        try:
            with shims.connect(runtime) as connection:
                await shims.post(connection, protocol.Wait())
                message = await shims.answer(connection)
            return message.status if isinstance(message, protocol.Exited) else None
        except BoxdeckError:
            written = status.read(self._paths.status(container.id))
            return written.exit_status if written is not None else None

    # Streams

    async def attach(self, reference: str) -> Session:
        """The streams of the first process, from now on.

        Raises:
            Conflict: it isn't running, or is paused.
        """
        container = await self.get(reference)
        self._require_moving(container)
        connection = await self._attach(container, stdin=container.request.interactive)
        return Session(connection, container, container.request.tty, self._follow_up(container))

    async def _attach(self, container: Container, stdin: bool) -> socket.socket:
        connection = shims.connect(self._paths.runtime(container.id))
        await shims.post(connection, protocol.Attach(stdin))
        await shims.answer(connection)
        return connection

    async def exec(self, reference: str, request: ExecRequest) -> Session:
        """Run a further process in a running container.

        Raises:
            Conflict: it isn't running, or is paused.
            CommandNotFound, CommandNotExecutable: as their names say.
        """
        container = await self.get(reference)
        self._require_moving(container)
        message = protocol.Exec(
            process=compile_exec(decode(self._config(container)), container.pid, request),
            interactive=request.interactive,
            detached=request.detached,
        )
        connection = shims.connect(self._paths.runtime(container.id))
        try:
            await shims.post(connection, message)
            await shims.answer(connection)
        except BaseException:
            connection.close()
            raise
        return Session(connection, container, request.tty)

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
        return self._logs(reference, log_reader.Reading(follow, tail, since_unix_ns, until_unix_ns))

    async def _logs(self, reference: str, wanted: log_reader.Reading) -> AsyncIterator[LogLine]:
        container = await self.get(reference)

        async def is_running() -> bool:
            try:
                return (await self.get(container.id)).is_running
            except NotFound:
                return False

        max_files = container.request.log_max_files
        async for line in log_reader.read(self._paths.log(container.id), max_files, wanted, is_running):
            yield line

    async def _stop_signal(self, container: Container) -> int:
        """What asks it to end."""
        return signal_number(container.request.stop_signal or (await self._image_config(container)).stop_signal)

    async def _image_config(self, container: Container) -> ImageConfig:
        try:
            return (await self._images.get(container.image_id)).config
        except NotFound:
            return ImageConfig()

    def _require_running(self, container: Container) -> None:
        if not container.is_running:
            raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start {container.name}")

    def _require_moving(self, container: Container) -> None:
        self._require_running(container)
        if container.state is State.PAUSED:
            raise Conflict(f"{container.name} is paused", f"let it go on with: boxdeck unpause {container.name}")


def _with_volumes(request: ContainerRequest, destinations: tuple[str, ...]) -> ContainerRequest:
    """The request with volumes of its own where the image wants some and nothing else is mounted."""
    places = [mount.destination for mount in request.binds] + [mount.destination for mount in request.volumes]
    taken = {path.rstrip("/") for path in (*places, *(mount.destination for mount in request.tmpfs))}
    wanted = (path for path in destinations if path.startswith("/") and path.rstrip("/") not in taken | {""})
    more = tuple(VolumeMount(name="", destination=path) for path in wanted)
    return replace(request, volumes=(*request.volumes, *more))


def _patience(container: Container, timeout_seconds: float | None) -> float | None:
    """How long it may take to end; None for ever."""
    if timeout_seconds is None:
        return container.request.stop_patience_seconds
    return timeout_seconds if 0 <= timeout_seconds < math.inf else None
