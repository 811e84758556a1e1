"""Ends: containers asked to end, killed, and waited for."""

from __future__ import annotations

import asyncio
import math
import signal as signals
import socket

from engine import shims
from engine.errors import BoxdeckError, Conflict, NotFound
from engine.images.images import Images
from engine.locks import ContainerLock
from engine.lookup import Lookup, require_running
from engine.model import Container, ImageConfig, State
from engine.paths import Paths
from engine.pausing import Pausing
from engine.records import Records
from engine.restarts import Restarts
from engine.runtime import protocol, status
from engine.signal_names import signal_name, signal_number
from engine.xray.actions import recorded

_DYING_SECONDS = 0.2  # who was killed has usually ended by then, unless he was frozen meanwhile


class Ending:
    """Ends containers, and tells how they ended."""

    def __init__(
        self, paths: Paths, images: Images, records: Records, lookup: Lookup, pausing: Pausing, restarts: Restarts
    ) -> None:
        self._paths = paths
        self._images = images
        self._records = records
        self._lookup = lookup
        self._pausing = pausing
        self._restarts = restarts

    async def stop(self, reference: str, timeout_seconds: float | None, signal: str | None) -> Container:
        """As `Containers.stop`."""
        container = await self._lookup.get(reference)
        if container.state is State.RESTARTING:
            container = await self._call_off(container)
        if container.is_running:
            number = signal_number(signal) if signal else await self._stop_signal(container)
            self._restarts.mark_stopped(container, "stop")
            with recorded(self._paths, "stop", container.id, container.name) as xray:
                if not await self._end(container, number, _patience(container, timeout_seconds), xray):
                    await self._end(container, signals.SIGKILL, None)
        return self._records.get(container.id) or container

    async def _call_off(self, container: Container) -> Container:
        """Have the start not made that a container waits for; it may have been made already."""
        async with ContainerLock(self._paths, container.id).held():
            self._restarts.call_off(container)
        return await self._lookup.get(container.id)

    async def kill(self, reference: str, signal: str) -> None:
        """As `Containers.kill`."""
        container = await self._lookup.get(reference)
        number = signal_number(signal)
        name = signal_name(number)
        if container.state is State.RESTARTING and number in (signals.SIGKILL, await self._stop_signal(container)):
            container = await self._call_off(container)
            if not container.is_running:
                return
        require_running(container)
        if number == signals.SIGKILL:
            await self.kill_now(container)
            self._restarts.mark_stopped(container, "kill", name)
        elif number == await self._stop_signal(container):
            await shims.ask(self._paths.runtime(container.id), protocol.Kill(number, by_hand=True))
            self._restarts.mark_stopped(container, "kill", name)
        else:
            await shims.ask(self._paths.runtime(container.id), protocol.Kill(number))
            self._records.record_event(container, "kill", name)

    async def kill_now(self, container: Container) -> None:
        """Kill a running container and wait for its end."""
        with recorded(self._paths, "kill", container.id, container.name) as xray:
            await self._end(container, signals.SIGKILL, None, xray)

    async def _end(self, container: Container, number: int, timeout_seconds: float | None, xray: str = "") -> bool:
        """Send a signal and wait for the end; False when it doesn't come in time."""
        runtime = self._paths.runtime(container.id)
        try:
            with shims.connect(runtime) as waiting:
                await shims.post(waiting, protocol.Wait())
                await shims.ask(runtime, protocol.Kill(number, by_hand=True, xray=xray))
                self._pausing.let_die(container)
                end = self._await_death(waiting, container) if number == signals.SIGKILL else shims.answer(waiting)
                await asyncio.wait_for(end, timeout_seconds)
        except TimeoutError:
            return False
        except BoxdeckError:
            pass  # it ended, or its shim was killed, between two of these lines
        await self._lookup.settle(container)
        return True

    async def _await_death(self, waiting: socket.socket, container: Container) -> None:
        """Thaw it as often as others freeze it before it has died."""
        answer = asyncio.create_task(shims.answer(waiting))
        try:
            while not (await asyncio.wait((answer,), timeout=_DYING_SECONDS))[0]:
                self._pausing.let_die(container)
            answer.result()
        finally:
            answer.cancel()
            await asyncio.wait((answer,))  # until the loop has let go of the connection, which is closed next

    async def wait(self, reference: str) -> int:
        """As `Containers.wait`."""
        container = await self._lookup.get(reference)
        if container.is_running and (exit_status := await self._await_exit(container)) is not None:
            return exit_status
        if container.exit_status is None:
            container = await self._lookup.get(container.id)
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

    async def _stop_signal(self, container: Container) -> int:
        """What asks it to end."""
        return signal_number(container.request.stop_signal or (await self._image_config(container)).stop_signal)

    async def _image_config(self, container: Container) -> ImageConfig:
        try:
            return (await self._images.get(container.image_id)).config
        except NotFound:
            return ImageConfig()


def _patience(container: Container, timeout_seconds: float | None) -> float | None:
    """How long it may take to end; None for ever."""
    if timeout_seconds is None:
        return container.request.stop_patience_seconds
    return timeout_seconds if 0 <= timeout_seconds < math.inf else None
