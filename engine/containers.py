"""The verbs: what can be done to containers. Every one may be called from several engines at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine import naming
from engine.crew import Crew
from engine.errors import BoxdeckError, Conflict
from engine.limits import Limits
from engine.locks import ContainerLock
from engine.model import Container, ContainerRequest, ExecRequest, History, LogLine, ProcessInfo
from engine.paths import Paths, names_in
from engine.pruning import Pruned, PruneFilter
from engine.restart_policy import RestartPolicy
from engine.store.database import Database
from engine.volumes import Volumes
from engine.xray.actions import recorded

if TYPE_CHECKING:
    from engine.images.images import Images
    from engine.launch import Launcher
    from engine.lookup import Lookup
    from engine.model import LimitsInForce
    from engine.network.networks import Networks
    from engine.publishing import Publishing
    from engine.runtime.protocol import KeptSession
    from engine.session import Session


class Containers:
    """Containers of one root."""

    def __init__(
        self,
        paths: Paths,
        database: Database,
        images: Callable[[], Images],
        networks: Callable[[], Networks],
        volumes: Volumes,
        launcher: Callable[[], Launcher],
    ) -> None:
        self._paths = paths
        self._images = images
        self._crew = crew = Crew(paths, database, images, networks, volumes, launcher, self)
        self._records = crew.records
        self._ports = crew.ports
        self._restarts = crew.restarts
        self._recovery = crew.recovery
        self._removal = crew.removal
        self._lookup = crew.lookup

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

    @property
    def roster(self) -> Lookup:
        """Which of them run, for the sampler, whose look is part of another."""
        return self._lookup

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
        if names_in(self._paths.updates):
            self._crew.updates.settle_all()
        await self._removal.sweep_ended(self._records.all())
        if makes_overdue_starts:
            self._restarts.make_overdue()

    async def runtime_spec(self, reference: str) -> bytes:
        """The container's OCI ``config.json``."""
        from engine import joining

        container = await self.get(reference)
        return joining.template(self._paths, container.id).read_bytes()

    async def top(self, reference: str, proportional: bool = False) -> tuple[ProcessInfo, ...]:
        """The processes inside with what they use, parents before children.

        Percents are over the time since the last call, and None in the first.

        Args:
            proportional: find out `ProcessInfo.proportional_bytes`, too, which walks through all their pages.

        Raises:
            Conflict: it isn't running.
        """
        return await self._crew.usage.top(reference, proportional)

    async def history(self, reference: str) -> History:
        """What it used in the last hour by the second, and in the last day by the minute.

        It is recorded from each start on whether anybody looks or not, and kept until the container is removed or the
        machine is restarted. An end within the first second leaves no record.

        Raises:
            NotFound: there is none.
        """
        return await self._crew.usage.history(reference)

    # Life

    async def create(self, request: ContainerRequest) -> Container:
        """Make a container without starting it.

        Raises:
            BoxdeckError: with what can't be; nothing is left behind then.
        """
        return await self._crew.creating.create(request)

    async def start(self, reference: str) -> Container:
        """Start a container that isn't running; one that is stays as it is.

        Raises:
            NotFound: there is none.
            BoxdeckError: why it can't be started.
        """
        return await self._crew.starts.start(reference)

    async def restart_due(self, container_id: str) -> None:
        """Make a start that a restart policy has put off, unless somebody was faster or has called it off.

        Raises:
            BoxdeckError: why it can't be started.
        """
        await self._crew.starts.restart_due(container_id)

    def restore(self) -> AsyncIterator[tuple[Container, BoxdeckError | None]]:
        """After a boot, start every container whose restart policy wants that, the oldest first.

        Yields:
            each, and why it couldn't be started; None when it was.
        """
        return self._crew.starts.restore()

    async def set_restart_policy(self, reference: str, policy: RestartPolicy) -> Container:
        """Change what is to be done when a container has ended by itself, from now on.

        Raises:
            InvalidRequest: it is to be removed at its end.
        """
        return await self._crew.starts.set_policy(reference, policy)

    async def start_attached(self, reference: str) -> Session:
        """Start a container with its streams in hand before its first instruction.

        Raises:
            Conflict: it runs already.
            BoxdeckError: why it can't be started.
        """
        return await self._crew.starts.start_attached(reference)

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
                return self._crew.updates.update(self._lookup.seen(container).id, limits)

    async def limits(self, reference: str) -> LimitsInForce:
        """What binds a running container: memory, processor time and processes, and all limits of its own as in force.

        Raises:
            Conflict: it isn't running.
        """
        return await self._crew.usage.limits(reference)

    # Ports

    @property
    def ports(self) -> Publishing:
        """Ports of the host's that lead to containers: listed, published and withdrawn."""
        return self._crew.publishing

    # Standing still

    async def pause(self, reference: str) -> Container:
        """Freeze all its processes.

        Raises:
            Conflict: it isn't running, or is paused already.
            Unsupported: there is no freezer, or a process is stuck in the kernel.
        """
        return await self._crew.pausing.pause(reference)

    async def unpause(self, reference: str) -> Container:
        """Let a paused container go on.

        Raises:
            Conflict: it isn't paused.
        """
        return await self._crew.pausing.unpause(reference)

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
            with recorded(self._paths, "rename", container.id, name):
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
        return await self._crew.ending.stop(reference, timeout_seconds, signal)

    async def kill(self, reference: str, signal: str = "SIGKILL") -> None:
        """Send the process a signal, by name or number.

        Raises:
            Conflict: it isn't running.
            InvalidRequest: there is no such signal.
        """
        await self._crew.ending.kill(reference, signal)

    async def restart(
        self, reference: str, timeout_seconds: float | None = None, signal: str | None = None
    ) -> Container:
        """Stop as `stop` does, then start; one that isn't running is just started."""
        container = await self.stop(reference, timeout_seconds, signal)
        self._records.change(container.id, lambda now: replace(now, restarts=now.restarts + 1), "restart")
        return await self.start(container.id)

    async def remove(self, reference: str, force: bool = False, volumes: bool = False) -> None:
        """Delete a container and everything that it wrote.

        Args:
            volumes: its unnamed volumes, too.

        Raises:
            Conflict: it runs, and `force` isn't given.
        """
        await self._crew.removing.remove(reference, force, volumes)

    async def prune(self, wanted: PruneFilter) -> Pruned:
        """Remove all containers that don't run.

        Returns:
            Their ids, and the bytes of disk that are free again.
        """
        return await self._crew.removing.prune(wanted)

    async def disk_bytes(self, reference: str) -> int:
        """What a container takes on the disk: what it changed against its image, and its log."""
        return await self._crew.usage.disk_bytes(reference)

    async def written_bytes(self, reference: str) -> int:
        """What a container has changed against its image, as the disk has it."""
        return await self._crew.usage.written_bytes(reference)

    async def wait(self, reference: str) -> int:
        """The exit status, at once or when the process has ended.

        Raises:
            Conflict: it was never started.
        """
        return await self._crew.ending.wait(reference)

    # Streams

    async def attach(self, reference: str, *, past: bool = False) -> Session:
        """The streams of the first process, from now on.

        Args:
            past: with what it wrote last to its terminal, as far as 64 KiB hold it (`Session.past`).

        Raises:
            Conflict: it isn't running, or is paused.
        """
        return await self._crew.streams.attach(reference, past=past)

    async def exec(self, reference: str, request: ExecRequest) -> Session:
        """Run a further process in a running container.

        Raises:
            Conflict: it isn't running, or is paused.
            CommandNotFound, CommandNotExecutable: as their names say.
        """
        return await self._crew.streams.exec(reference, request)

    async def shell(self, reference: str, request: ExecRequest) -> Session:
        """Run the first shell that a container has: its user's own, bash, ash or sh.

        Args:
            request: whose command is replaced.

        Raises:
            Conflict: it isn't running, or is paused.
            CommandNotFound: it has none of them; see `debug`.
        """
        return await self._crew.streams.shell(reference, request)

    async def debug(self, reference: str, command: tuple[str, ...] = (), *, tty: bool = True) -> Session:
        """Run a shell, or another command, of the image ``base`` in a container's namespaces (`engine.debugging`).

        It is a container of its own, which is removed when it ends, and has the other's files at ``/proc/1/root``.

        Raises:
            Conflict: the container isn't running.
        """
        from engine.debugging import debug_request

        container = await self._lookup.get_running(reference)
        await self._images().ensure("base")
        return await self.run_attached(debug_request(container, command, tty=tty))

    async def sessions(self, reference: str) -> tuple[KeptSession, ...]:
        """The further processes of a running container that are kept (`ExecRequest.kept`).

        Raises:
            Conflict: it isn't running.
        """
        return await self._crew.streams.sessions(reference)

    async def resume(self, reference: str, name: str) -> Session:
        """Go on with a further process that is kept; others may be connected to it, too.

        Raises:
            Conflict: the container isn't running, or is paused.
            NotFound: no process is kept by that name.
        """
        return await self._crew.streams.resume(reference, name)

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
        from engine.log_reader import Reading

        return self._crew.streams.logs(reference, Reading(follow, tail, since_unix_ns, until_unix_ns))
