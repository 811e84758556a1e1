"""What the app knows of images: the latest list, which one is selected, their layers, and pulls."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from typing import TYPE_CHECKING

from engine.model import Container, Image
from tui.exploration import Exploration
from tui.pulls import Pull, Pulls
from tui.readings import Reading

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.jobs import Job

_SECONDS = 60.0
"""Events tell of changes; should one be missed, the list is right again after that long."""

_KEPT = 3
"""Images whose layers are remembered: each may have some ten thousand files."""


class ImageOrder(Enum):
    """What comes first; the values stand in the table's frame."""

    NEWEST = "newest"
    NAME = "name"
    SIZE = "size"
    USED = "used"

    @property
    def next(self) -> ImageOrder:
        """The one after this, and from the last back to the first."""
        every = list(ImageOrder)
        return every[(every.index(self) + 1) % len(every)]


class ImageDeck:
    """The latest of everything about images; read while somebody looks.

    Args:
        engine: to read from.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.
        pull_ended: called with a pull that has ended.

    Attributes:
        images: None until they were read for the first time.
        filter_text: only images with a name or id that contains it are listed.
        order: in which they are.
        pulls: what is on its way here.
    """

    def __init__(
        self,
        engine: Engine,
        start: Callable[[Coroutine[object, object, None]], object],
        changed: Callable[[], None],
        pull_ended: Callable[[Pull], None],
    ) -> None:
        self._engine, self._start, self._changed = engine, start, changed
        self._reading: Reading[tuple[Image, ...]] = Reading(lambda _: engine.images.list(), start, changed)
        self._explorations: OrderedDict[str, Exploration] = OrderedDict()
        self._users: dict[str, list[Container]] = {}
        self._layer_uses: Counter[str] = Counter()
        self._expected_id = ""
        self.images: tuple[Image, ...] | None = None
        self.filter_text = ""
        self.order = ImageOrder.NEWEST
        self.listed: tuple[Image, ...] = ()
        self.selected_id = ""
        self.pulls = Pulls(self._pull, start, changed, pull_ended)

    def _pull(self, reference: str, platform: str | None) -> Job[Image]:
        return self._engine.images.pull(reference, platform)

    # --- the list ---

    def look(self, containers: Iterable[Container]) -> None:
        """Somebody looks: read the list if it is too old, and see who uses what."""
        self._users = {}
        for container in containers:
            self._users.setdefault(container.image_id, []).append(container)
        found = self._reading.look("", _SECONDS)
        if found is not None and found is not self.images:
            self.images = found
            self._layer_uses = Counter(layer for image in found for layer in set(image.layers))
        self.refresh()

    @property
    def error(self) -> str:
        """Why the list can't be read; empty otherwise."""
        return self._reading.error

    def expire(self) -> None:
        """Something has happened to an image."""
        self._reading.expire()

    def expect(self, image_id: str) -> None:
        """Select an image as soon as it is listed."""
        self._expected_id = image_id

    def refresh(self) -> None:
        """List anew what passes the filter; the selection stays on its image, or on its place."""
        wanted, place = self.filter_text.casefold(), self.selected_index
        found = [image for image in self.images or () if not wanted or _matches(image, wanted)]
        self.listed = tuple(sorted(found, key=self._key))
        ids = [image.id for image in self.listed]
        if self._expected_id in ids:
            self.selected_id, self._expected_id = self._expected_id, ""
        elif self.selected_id not in ids and ids:
            self.selected_id = ids[min(place, len(ids) - 1)]

    def _key(self, image: Image) -> tuple[object, ...]:
        name = image.references[0].casefold() if image.references else "\uffff"
        keys: dict[ImageOrder, tuple[object, ...]] = {
            ImageOrder.NEWEST: (-image.created_unix_ns, name),
            ImageOrder.NAME: (name,),
            ImageOrder.SIZE: (-image.size_bytes, name),
            ImageOrder.USED: (-len(self.users(image)), name),
        }
        return keys[self.order]

    # --- the selection ---

    @property
    def selected_index(self) -> int:
        """The place of the selected image; 0 when none is listed."""
        return next((index for index, image in enumerate(self.listed) if image.id == self.selected_id), 0)

    @property
    def selected(self) -> Image | None:
        """The selected image, if any is listed."""
        index = self.selected_index
        return self.listed[index] if index < len(self.listed) else None

    def users(self, image: Image) -> list[Container]:
        """The containers that were made from an image."""
        return self._users.get(image.id, [])

    def shared_layers(self, image: Image) -> int:
        """How many of its layers another image has, too."""
        return sum(self._layer_uses[layer] > 1 for layer in image.layers)

    # --- layers ---

    def explored(self, image_id: str) -> Exploration | None:
        """The layers of an image that somebody has looked at lately."""
        return self._explorations.get(image_id)

    def exploration(self, image_id: str) -> Exploration:
        """The layers of an image; those that nobody has looked at for long are read anew."""
        if image_id not in self._explorations:
            self._explorations[image_id] = Exploration(
                lambda: self._engine.images.explore(image_id), self._start, self._changed
            )
        self._explorations.move_to_end(image_id)
        while len(self._explorations) > _KEPT:
            self._explorations.popitem(last=False)[1].cancel()
        return self._explorations[image_id]

    def exploration_of(self, container: Container) -> Exploration:
        """The layers of a container, its own on top."""
        return Exploration(lambda: self._engine.layers.explore(container.id), self._start, self._changed, is_live=True)


def _matches(image: Image, wanted: str) -> bool:
    digits = image.id.removeprefix("sha256:")
    return digits.startswith(wanted) or any(wanted in reference.casefold() for reference in image.references)
