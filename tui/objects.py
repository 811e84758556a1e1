"""Everything with a name: containers, images, volumes and networks, to be gone to by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from engine.errors import BoxdeckError
from engine.model import Container, Image, NamespacePortrait, Network
from engine.model.volume import Volume

_Object = TypeVar("_Object")

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model.xray import Xray
    from engine.xray.xrays import Recording


class Objects(NamedTuple):
    """All of them, as they are at one moment."""

    containers: tuple[Container, ...] = ()
    images: tuple[Image, ...] = ()
    volumes: tuple[Volume, ...] = ()
    networks: tuple[Network, ...] = ()


class Registry:
    """Reads them, and what is known of one of them as text.

    Args:
        engine: to read from.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> Objects:
        """What there is now; what can't be read is left out, since its own view tells why."""
        engine = self._engine
        return Objects(
            await _unless_it_fails(lambda: engine.containers.list(all_states=True)),
            await _unless_it_fails(engine.images.list),
            await _unless_it_fails(engine.volumes.list),
            await _unless_it_fails(engine.networks.list),
        )

    async def document(self, container_id: str) -> str:
        """What ``boxdeck inspect`` prints of a container.

        Raises:
            BoxdeckError: it has gone.
        """
        from engine.cli.inspect import container_of  # at its first use: it costs start-up time
        from engine.cli.json_text import json_text

        return json_text(await container_of(self._engine, container_id))

    async def portraits(self, *references: str) -> tuple[NamespacePortrait, ...]:
        """What the host and these containers see in each of their namespaces.

        Raises:
            BoxdeckError: one of them doesn't run any more.
        """
        return tuple([await self._engine.namespaces.portrait(reference) for reference in ("", *references)])

    async def recordings(self, reference: str, kind: str) -> tuple[Recording, ...]:
        """What has been recorded of the actions on a container, network, volume or image, the latest first.

        Raises:
            BoxdeckError: it has gone.
        """
        return await self._engine.xrays.list(reference, kind)

    async def xray(self, recording: Recording) -> Xray:
        """One of them.

        Raises:
            BoxdeckError: it has gone.
        """
        return await self._engine.xrays.open(recording.path)


async def _unless_it_fails(read: Callable[[], Awaitable[tuple[_Object, ...]]]) -> tuple[_Object, ...]:
    try:
        return await read()
    except BoxdeckError:
        return ()
