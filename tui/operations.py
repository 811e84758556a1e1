"""What keys do to containers: each one a call of the engine, with its container marked meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from engine.copying.places import Copied, CopyOptions, parse
from engine.errors import BoxdeckError, Conflict
from engine.jobs import Job
from engine.limits import Limits
from engine.model import (
    Container,
    ContainerRequest,
    ExecRequest,
    Image,
    LogLine,
    NamespaceVisit,
    Progress,
    PublishedPort,
    State,
)
from engine.model.limits_in_force import LimitsInForce
from tui.deck import Deck
from tui.drawing import units
from tui.terminal.log_merge import interleaved

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.namespaces.start import Program
    from engine.session import Session


_LINES, _LINES_EACH = 2_000, 500  # that are read of a log at first: of one alone, of each of several
_AT_ONCE_SECONDS = 0.4  # that a question may be late
_KEPT = "shell-"  # and a number: names of sessions that outlive the app
_TERMINAL = ("TERM=xterm-256color", "COLORTERM=truecolor")  # what the shell pane understands


class Started(NamedTuple):
    """A container that has just been started, and the streams of its terminal; None where it has none."""

    container: Container
    session: Session | None


class Operations:
    """The verbs of the app.

    Args:
        engine: does the work.
        deck: is told what is being done to which container.
        changed: called when the deck was told something.
    """

    def __init__(self, engine: Engine, deck: Deck, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._deck = deck
        self._changed = changed

    async def image_names(self) -> list[str]:
        """Names of images that are there already."""
        return [reference for image in await self._engine.images.list() for reference in image.references]

    async def network_names(self) -> list[str]:
        """Names of networks that there are."""
        return [network.name for network in await self._engine.networks.list()]

    def bring(self, reference: str, pull: str, platform: str | None) -> Job[Image]:
        """Have an image: assembled, or pulled where it isn't there.

        Args:
            pull: ``missing``, ``always`` or ``never``, as of ``boxdeck run``.
        """
        images = self._engine.images
        if pull == "never":
            return Job(lambda _: images.get(reference))
        if (pull == "always" or platform) and not images.is_base(reference):
            return images.pull(reference, platform)
        return images.ensure(reference)

    async def run(self, request: ContainerRequest) -> Started:
        """Run a container of an image that is there, with its terminal in hand if it has one.

        Raises:
            BoxdeckError: nothing of it stays behind.
        """
        if not request.tty:
            return Started(await self._engine.containers.run(request), None)
        session = await self._engine.containers.run_attached(request)
        return Started(session.container, session)

    async def stop(self, container: Container) -> None:
        """Ask it to end, and end it after ten seconds."""
        with self._marked(container, "stopping"):
            await self._engine.containers.stop(container.id)

    async def start(self, container: Container) -> None:
        """Start it again."""
        with self._marked(container, "starting"):
            await self._engine.containers.start(container.id)

    async def restart(self, container: Container) -> None:
        """Stop and start it."""
        with self._marked(container, "restarting"):
            await self._engine.containers.restart(container.id)

    async def pause(self, container: Container) -> None:
        """Freeze it, or let it go on where it is frozen."""
        is_paused = container.state is State.PAUSED
        with self._marked(container, "unpausing" if is_paused else "pausing"):
            await (self._engine.containers.unpause if is_paused else self._engine.containers.pause)(container.id)

    async def kill(self, container: Container) -> None:
        """End its processes at once."""
        with self._marked(container, "killing"):
            await self._engine.containers.kill(container.id)

    async def remove(self, container: Container) -> None:
        """Remove it, killing it first where it runs."""
        with self._marked(container, "removing"):
            await self._engine.containers.remove(container.id, force=True)

    async def written_bytes(self, container: Container) -> int | None:
        """What it has changed against its image; None where that can't be told at once."""
        try:
            async with asyncio.timeout(_AT_ONCE_SECONDS):
                return await self._engine.containers.written_bytes(container.id)
        except (TimeoutError, BoxdeckError):
            return None

    @property
    def verbs(self) -> dict[str, Callable[[Container], Coroutine[object, object, None]]]:
        """What can be done to one container, and to several."""
        return {
            "stop": self.stop,
            "start": self.start,
            "restart": self.restart,
            "pause": self.pause,
            "kill": self.kill,
            "remove": self.remove,
        }

    async def limits(self, container: Container) -> LimitsInForce | None:
        """The limits in force; None unless it runs."""
        return await self._engine.containers.limits(container.id) if container.is_running else None

    async def update(self, container: Container, limits: Limits) -> Container:
        """Change its limits."""
        return await self._engine.containers.update(container.id, limits)

    async def change_ports(
        self, container: Container, withdrawn: Sequence[PublishedPort], published: Sequence[PublishedPort]
    ) -> tuple[str, ...]:
        """Withdraw ports and publish others; what rules of others may keep from it.

        Raises:
            BoxdeckError: a port is in use, or isn't published; what was withdrawn stays so.
        """
        ports = self._engine.containers.ports
        if withdrawn:
            await ports.remove(container.id, withdrawn)
        if not published:
            return ()
        await ports.add(container.id, published)
        return self.obstacles(await self._engine.containers.get(container.id))

    def obstacles(self, container: Container) -> tuple[str, ...]:
        """What rules of others may keep from it, one sentence each."""
        return self._engine.containers.ports.obstacles(container)

    async def rename(self, container: Container, name: str) -> None:
        """Give it another name."""
        await self._engine.containers.rename(container.id, name)

    async def copy(self, source: str, target: str, how: CopyOptions, say: Callable[[str], None]) -> Copied:
        """Copy files between two places as ``boxdeck cp`` has them; whoever is cancelled stops it.

        Raises:
            BoxdeckError: what can't be.
        """
        job = self._engine.files.copy(parse(source), parse(target), how)
        try:
            async for progress in job:
                say(f"{progress.what} {_so_far(progress)}")
            return await job
        except BaseException:
            job.cancel()
            raise

    async def shell(self, container: Container, argv: tuple[str, ...], rows: int, columns: int) -> Session:
        """A shell in it, on a terminal of that size, that goes on when the app is closed.

        Args:
            argv: what a person wants; empty for the first there is of the user's own, bash, ash and sh.

        Raises:
            CommandNotFound: it has none of them.
        """
        kept = {each.name for each in await self._engine.containers.sessions(container.id)}
        name = next(f"{_KEPT}{number}" for number in count(1) if f"{_KEPT}{number}" not in kept)
        wanted = ExecRequest(
            argv=argv, env=_TERMINAL, tty=True, interactive=True, rows=rows, columns=columns, kept=name
        )
        if argv:
            return await self._engine.containers.exec(container.id, wanted)
        return await self._engine.containers.shell(container.id, wanted)

    async def shells_left(self, container: Container) -> list[Session]:
        """Shells that were opened in it by an app that has been closed."""
        found = await self._engine.containers.sessions(container.id)
        names = [each.name for each in found if each.name.startswith(_KEPT) and not each.viewed]
        return [await self._engine.containers.resume(container.id, name) for name in names]

    async def attach(self, container: Container) -> Session:
        """Its own terminal.

        Raises:
            Conflict: it has none.
        """
        if not container.request.tty:
            raise Conflict(f"{container.name} has no terminal of its own", "see what it writes with l, or open a shell")
        return await self._engine.containers.attach(container.id, past=True)

    async def debug(self, container: Container) -> Session:
        """A shell of the image ``base`` in its namespaces."""
        return await self._engine.containers.debug(container.id)

    async def visit(self, container: Container) -> Program:
        """What to start for a shell in its namespaces, but not in its cgroup."""
        return await self._engine.namespaces.visit(NamespaceVisit(target=container.id))

    def logs(self, names: Mapping[str, str], since_unix_ns: int | None = None) -> AsyncIterator[LogLine]:
        """What containers wrote lately, or from a time on, and go on writing.

        Args:
            names: by id.
        """
        logs = self._engine.containers.logs
        if len(names) > 1:
            each_tail = _LINES_EACH if since_unix_ns is None else None
            return interleaved(
                names,
                lambda each, follow, since: logs(each, follow, None if follow else each_tail, since or since_unix_ns),
            )
        tail = _LINES if since_unix_ns is None else None
        return logs(next(iter(names)), follow=True, tail=tail, since_unix_ns=since_unix_ns)

    @contextmanager
    def _marked(self, container: Container, words: str) -> Iterator[None]:
        self._deck.pending[container.id] = words
        self._changed()
        try:
            yield
        finally:
            self._deck.pending.pop(container.id, None)
            self._changed()


def _so_far(progress: Progress) -> str:
    """How far it is: a share where the whole is known, otherwise an amount."""
    if progress.total:
        return f"{100 * progress.done // progress.total} %"
    return units.size(progress.done) if progress.done else ""
