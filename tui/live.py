"""The engine's news, carried to the app: what changed, what was measured, how it is wired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message

from engine.config.model import Config
from engine.errors import BoxdeckError
from tui.deck import EVENTS_KEPT
from tui.messages import ContainersRead, EngineFailed, Happened, NamespacesRead, Sampled, TopologyRead

if TYPE_CHECKING:
    from engine.engine import Engine

_CALM_SECONDS = 0.05
"""After a change the list is read at most this often, so that a flood of events costs one read."""

_PAINT_SECONDS = 0.5
"""How long the rest waits for a frame at most: a screen that shows nothing of the list paints none."""

_RETRY_SECONDS = 3.0
_TOPOLOGY_SECONDS = 1.0
"""How often the counters of links are read while somebody looks; changes are told by the kernel, and shown at once."""

_UNSEEN_SECONDS = 10.0
_NAMESPACES_SECONDS = 2.0
_CALM_NAMESPACES_SECONDS = 6.0
"""As long as processes come and go they are read every two seconds, and ever more seldom while none do."""


class Sight(Enum):
    """Which namespaces are looked at."""

    NONE = 0
    CONTAINERS = 1
    EVERY = 2

    def __bool__(self) -> bool:
        """Whether any are."""
        return self is not Sight.NONE


class Live:
    """Loops, one worker each, that end when they are cancelled.

    Args:
        engine: where the news comes from.
        post: takes a message; called on the app's own loop.
        namespaces_in_sight: which namespaces anyone looks at now; others aren't read.
        topology_in_sight: whether anyone looks at the wiring now; else it isn't read.
    """

    def __init__(
        self,
        engine: Engine,
        post: Callable[[Message], object],
        namespaces_in_sight: Callable[[], Sight],
        topology_in_sight: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._post = post
        self._namespaces_in_sight = namespaces_in_sight
        self._topology_in_sight = topology_in_sight
        self._changed = asyncio.Event()
        self._changed.set()
        self._listed = asyncio.Event()
        self._painted = asyncio.Event()
        self._interval_changed = asyncio.Event()
        self._is_watched = True
        self.measure_every(Config().interval_seconds, Config().unfocused_interval_seconds)
        self._sampled_unix_ns = 0
        self._wiring_changed = asyncio.Event()
        self._looked = asyncio.Event()
        self._tree_wanted = asyncio.Event()
        self._said: dict[type[Message], Message] = {}

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The loops by name; each is to be run in a worker of its own."""
        return {
            "containers": lambda: self._forever(self._read_containers),
            "events": lambda: self._afterwards(self._follow_events),
            "samples": lambda: self._afterwards(self._follow_samples),
            "topology": lambda: self._afterwards(self._read_topology),
            "wiring": lambda: self._afterwards(self._follow_wiring),
            "namespaces": lambda: self._afterwards(self._read_namespaces),
        }

    def note_frame(self) -> None:
        """The list of containers was painted: the rest begins."""
        self._painted.set()

    async def shown(self) -> None:
        """Wait for the first frame with containers: what opens the rest takes time, and nobody is to wait for it."""
        await self._listed.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAINT_SECONDS):
                await self._painted.wait()

    async def _afterwards(self, loop: Callable[[], Awaitable[None]]) -> None:
        await self.shown()
        await self._forever(loop)

    def hurry(self) -> None:
        """Read everything now: something was done, or came into sight."""
        self._changed.set()
        self._wiring_changed.set()
        self._tree_wanted.set()
        self._looked.set()

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A loop that fails says so and tries again; it says the same thing once."""
        said = ""
        while True:
            try:
                await loop()
            except BoxdeckError as error:
                if str(error) != said:
                    self._post(EngineFailed(error))
                said = str(error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _follow_events(self) -> None:
        past = self._engine.latest_events(EVENTS_KEPT)
        self._post(Happened(past, is_news=False))
        async for event in self._engine.events(after=past[-1].revision if past else None):
            self._changed.set()
            self._post(Happened((event,)))

    async def _read_containers(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self._post(ContainersRead(await self._engine.containers.list(all_states=True)))
            finally:
                self._listed.set()
            self._wiring_changed.set()
            self._tree_wanted.set()
            await asyncio.sleep(_CALM_SECONDS)

    def watch(self, is_watched: bool) -> None:
        """Whether somebody is in front of the terminal."""
        self._is_watched = is_watched
        self._interval_changed.set()

    def measure_every(self, watched_seconds: int, unwatched_seconds: int) -> None:
        """How often containers are measured while somebody looks and while nobody does, 0 for never."""
        self._watched_seconds, self._unwatched_seconds = watched_seconds, unwatched_seconds
        self._interval_changed.set()

    @property
    def _interval_seconds(self) -> int:
        return self._watched_seconds if self._is_watched else self._unwatched_seconds

    async def _follow_samples(self) -> None:
        """At another interval one begins to listen before one ends, so that the engine's sampler goes on."""
        listening: asyncio.Task[None] | None = None
        try:
            while True:
                seconds = self._interval_seconds
                before, listening = listening, asyncio.create_task(self._listen(seconds))
                await asyncio.sleep(0)
                if before is not None:
                    before.cancel()
                while self._interval_seconds == seconds:
                    self._interval_changed.clear()
                    await _first(listening, self._interval_changed)
        finally:
            if listening is not None:
                listening.cancel()

    async def _listen(self, interval_seconds: int) -> None:
        if interval_seconds == 0:
            await asyncio.Event().wait()
        async for snapshot in self._engine.samples(interval_seconds):
            if snapshot.taken_unix_ns > self._sampled_unix_ns:
                self._sampled_unix_ns = snapshot.taken_unix_ns
                self._post(Sampled(snapshot))

    async def _follow_wiring(self) -> None:
        """While somebody looks: the kernel has a dozen words for every container that begins or ends anywhere."""
        while True:
            if self._topology_in_sight():
                async for _ in self._engine.network_changes():
                    self._wiring_changed.set()
                    if not self._topology_in_sight():
                        break
            await _either(self._looked, _UNSEEN_SECONDS, 0)

    async def _read_topology(self) -> None:
        was_told = False
        while True:
            is_seen = self._topology_in_sight()
            if is_seen:
                self._say(TopologyRead(await self._engine.topology()))
                if was_told:  # afterwards, so that a change is shown without delay
                    await asyncio.sleep(_CALM_SECONDS)
            was_told = await _either(self._wiring_changed, _TOPOLOGY_SECONDS if is_seen else _UNSEEN_SECONDS, 0)

    async def _read_namespaces(self) -> None:
        seconds = _NAMESPACES_SECONDS
        while True:
            if sight := self._namespaces_in_sight():
                every = await self._engine.namespaces.list() if sight is Sight.EVERY else None
                is_news = self._say(NamespacesRead(await self._engine.namespace_tree(), every))
                seconds = _NAMESPACES_SECONDS if is_news else min(seconds * 1.5, _CALM_NAMESPACES_SECONDS)
            await _either(self._tree_wanted, seconds)

    def _say(self, message: Message) -> bool:
        """Post what isn't the same as last time, since each message has a screen painted; whether it was."""
        if message == self._said.get(type(message)):
            return False
        self._said[type(message)] = message
        self._post(message)
        return True


async def _first(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait for an event, or for the end of a task, which may have failed."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()


async def _either(event: asyncio.Event, seconds: float, calm_seconds: float = _CALM_SECONDS) -> bool:
    """Wait for an event, but not for ever; then for those that come with it. Whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    await asyncio.sleep(calm_seconds)
    return True
