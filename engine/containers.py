"""The verbs: what can be done to containers. Every one may be called from several engines at once."""

from __future__ import annotations

import asyncio
import shutil
import signal as signals
import socket
from collections.abc import AsyncIterator

from msgspec.structs import replace

from engine import log_reader, naming, shims
from engine.errors import BoxdeckError, Conflict, NotFound
from engine.exec_process import compile_exec
from engine.images.images import Images
from engine.launch import Launcher
from engine.locks import ContainerLock
from engine.model import Container, ContainerRequest, Endpoint, ExecRequest, ImageConfig, LogLine, State
from engine.network.networks import Networks
from engine.network.plan import NetworkPlan
from engine.oci.runtime_spec import decode
from engine.paths import Paths
from engine.preparation import Preparation
from engine.records import Records
from engine.recovery import Recovery
from engine.runtime import protocol, status
from engine.session import Session
from engine.signal_names import signal_number
from engine.store.database import Database


class Containers:
    """Containers of one root."""

    def __init__(
        self, paths: Paths, database: Database, images: Images, networks: Networks, launcher: Launcher
    ) -> None:
        self._paths = paths
        self._images = images
        self._networks = networks
        self._launcher = launcher
        self._records = Records(database)
        self._recovery = Recovery(paths, self._records)
        self._preparation = Preparation(paths, database, self._records, networks)

    # Looking

    async def list(self, all_states: bool = False) -> tuple[Container, ...]:
        """Containers, newest first: the running ones, or all."""
        await self.refresh()
        return tuple(c for c in self._records.all() if all_states or c.is_running)

    async def get(self, reference: str) -> Container:
        """A container by name, id or unique prefix of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        await self.refresh()
        return self._records.find(reference)

    async def refresh(self) -> None:
        """Take over what shims have written since; containers that asked for it are removed at their end."""
        self._recovery.refresh()
        for container in self._records.all():
            if container.request.auto_remove and container.state is State.EXITED:
                await self._sweep(container.id)

    def _seen(self, container: Container) -> Container:
        """The container as it is now, also when it has ended already; for those who hold its lock."""
        self._recovery.refresh()
        return self._records.get(container.id) or container

    async def recover(self) -> None:
        """Once per engine: clean up what killed engines, shims and machines have left."""
        self._recovery.clean_up()
        await self.refresh()

    async def runtime_spec(self, reference: str) -> bytes:
        """The container's OCI ``config.json``."""
        return self._config(await self.get(reference))

    def _config(self, container: Container) -> bytes:
        return (self._paths.bundle(container.id) / "config.json").read_bytes()

    # Life

    async def create(self, request: ContainerRequest) -> Container:
        """Make a container without starting it.

        Raises:
            BoxdeckError: with what can't be; nothing is left behind then.
        """
        image = await self._images.ensure(request.image)
        if request.network == "bridge":
            await self._networks.ensure()
        container_id = naming.new_id()
        lock = ContainerLock(self._paths, container_id)
        async with lock.held():
            try:
                return self._preparation.create(container_id, request, image)
            except BaseException:
                shutil.rmtree(self._paths.container(container_id), ignore_errors=True)
                lock.forget()
                raise

    async def start(self, reference: str) -> Container:
        """Start a container that isn't running; one that is stays as it is.

        Raises:
            NotFound: there is none.
            BoxdeckError: why it can't be started.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            if await self._ready_to_start(container):
                await self._launch(container, start=True)
            return self._seen(container)

    async def start_attached(self, reference: str) -> Session:
        """Start a container with its streams in hand before its first instruction.

        Raises:
            Conflict: it runs already.
            BoxdeckError: why it can't be started.
        """
        container = await self.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            if not await self._ready_to_start(container):
                raise Conflict(
                    f"{container.name} is running already", f"attach to it with: boxdeck attach {container.name}"
                )
            await self._launch(container, start=False)
            connection = await self._attach(container, stdin=container.request.interactive)
            try:
                await shims.ask(self._paths.runtime(container.id), protocol.Start())
            except BaseException:
                connection.close()
                self._recovery.refresh()
                raise
            container = self._seen(container)
        return Session(connection, container, container.request.tty, self.refresh)

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

    async def _ready_to_start(self, container: Container) -> bool:
        """Clear away what an earlier run left; False when the container runs. The caller holds its lock."""
        found = status.read(self._paths.status(container.id))
        if found is not None and not found.is_final and status.shim_is_alive(found):
            return False
        self._recovery.refresh()
        shutil.rmtree(self._paths.runtime(container.id), ignore_errors=True)
        return True

    async def _launch(self, container: Container, start: bool) -> None:
        request = protocol.Launch(
            container_id=container.id,
            generation=self._records.next_generation(container.id),
            bundle=str(self._paths.bundle(container.id)),
            runtime_directory=str(self._paths.runtime(container.id)),
            log=str(self._paths.log(container.id)),
            network=await self._network_plan(container),
            interactive=container.request.interactive,
            start=start,
        )
        try:
            await self._launcher.launch(request)
        finally:
            self._recovery.refresh()

    async def _network_plan(self, container: Container) -> NetworkPlan | None:
        if container.request.network == "host":
            return None
        if container.endpoint is None:
            return await self._networks.loopback_plan()
        await self._networks.ensure()
        return await self._networks.plan(self._current_endpoint(container))

    def _current_endpoint(self, container: Container) -> Endpoint:
        """The container's address, which is new when its network had to move to another subnet."""
        endpoint = self._networks.lease(container.id)
        if endpoint != container.endpoint:
            self._preparation.move(container, endpoint)
        return endpoint

    # Ending

    async def stop(self, reference: str, timeout_seconds: float = 10.0) -> Container:
        """Ask the process to end with the image's stop signal, and kill it when the time is over."""
        container = await self.get(reference)
        if container.is_running:
            image_signal = (await self._image_config(container)).stop_signal
            self._records.record_event(container, "stop")
            if not await self._end(container, signal_number(image_signal), timeout_seconds):
                await self._end(container, signals.SIGKILL, None)
        return self._records.get(container.id) or container

    async def _end(self, container: Container, number: int, timeout_seconds: float | None) -> bool:
        """Send a signal and wait for the end; False when it doesn't come in time."""
        runtime = self._paths.runtime(container.id)
        try:
            with shims.connect(runtime) as waiting:
                await shims.post(waiting, protocol.Wait())
                await shims.ask(runtime, protocol.Kill(number))
                await asyncio.wait_for(shims.answer(waiting), timeout_seconds)
        except TimeoutError:
            return False
        except BoxdeckError:
            pass  # it ended, or its shim was killed, between two of these lines
        await self.refresh()
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
        if number == signals.SIGKILL:
            await self._end(container, number, None)
        else:
            await shims.ask(self._paths.runtime(container.id), protocol.Kill(number))
        self._records.record_event(container, "kill", signals.Signals(number).name)

    async def restart(self, reference: str, timeout_seconds: float = 10.0) -> Container:
        """Stop, then start; one that isn't running is just started."""
        container = await self.stop(reference, timeout_seconds)
        self._records.change(replace(container, restarts=container.restarts + 1), "restart")
        return await self.start(container.id)

    async def remove(self, reference: str, force: bool = False) -> None:
        """Delete a container and everything that it wrote.

        Raises:
            Conflict: it runs, and `force` isn't given.
        """
        container = await self.get(reference)
        if container.is_running:
            if not force:
                raise Conflict(
                    f"{container.name} is running",
                    f"stop it first with: boxdeck stop {container.name} (or remove it with: boxdeck rm -f)",
                )
            await self._end(container, signals.SIGKILL, None)
        await self._delete(container.id)

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
        self._records.delete(container)  # from here on it is gone; folders that stay are recovery's
        shutil.rmtree(self._paths.runtime(container_id), ignore_errors=True)
        await asyncio.to_thread(shutil.rmtree, self._paths.container(container_id), True)
        ContainerLock(self._paths, container_id).forget()

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
            Conflict: it isn't running.
        """
        container = await self.get(reference)
        self._require_running(container)
        connection = await self._attach(container, stdin=container.request.interactive)
        return Session(connection, container, container.request.tty, self.refresh)

    async def _attach(self, container: Container, stdin: bool) -> socket.socket:
        connection = shims.connect(self._paths.runtime(container.id))
        await shims.post(connection, protocol.Attach(stdin))
        await shims.answer(connection)
        return connection

    async def exec(self, reference: str, request: ExecRequest) -> Session:
        """Run a further process in a running container.

        Raises:
            Conflict: it isn't running.
            CommandNotFound, CommandNotExecutable: as their names say.
        """
        container = await self.get(reference)
        self._require_running(container)
        message = protocol.Exec(
            process=compile_exec(decode(self._config(container)), container.pid, request),
            interactive=request.interactive,
        )
        connection = shims.connect(self._paths.runtime(container.id))
        try:
            await shims.post(connection, message)
            await shims.answer(connection)
        except BaseException:
            connection.close()
            raise
        return Session(connection, container, request.tty)

    def logs(self, reference: str, follow: bool = False, tail: int | None = None) -> AsyncIterator[LogLine]:
        """What the container wrote, oldest first; with `follow` until it ends.

        Raises:
            NotFound: there is none (raised by the first step of the iteration).
        """
        return self._logs(reference, follow, tail)

    async def _logs(self, reference: str, follow: bool, tail: int | None) -> AsyncIterator[LogLine]:
        container = await self.get(reference)

        async def is_running() -> bool:
            try:
                return (await self.get(container.id)).is_running
            except NotFound:
                return False

        async for line in log_reader.read(self._paths.log(container.id), follow, tail, is_running):
            yield line

    async def _image_config(self, container: Container) -> ImageConfig:
        try:
            return (await self._images.get(container.image_id)).config
        except NotFound:
            return ImageConfig()

    def _require_running(self, container: Container) -> None:
        if not container.is_running:
            raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start {container.name}")
