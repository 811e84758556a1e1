"""What keys do to images: each one a call of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.model import Container, HistoryStep, Image
from tui.drawing import units

if TYPE_CHECKING:
    from engine.engine import Engine


class ImageOperations:
    """The verbs of the images screen.

    Args:
        engine: does the work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def remove(self, image: Image) -> None:
        """Take all its names away, and with them the image unless containers use it.

        Raises:
            BoxdeckError: it can't be done.
        """
        await self._engine.images.remove(image.id, force=True)

    async def tag(self, image: Image, name: str) -> None:
        """Give it a further name.

        Raises:
            BoxdeckError: the name can't be one.
        """
        await self._engine.images.tag(image.id, name)

    async def history(self, image: Image) -> Sequence[HistoryStep]:
        """How it came to be, the latest step first.

        Raises:
            BoxdeckError: it has gone.
        """
        return await self._engine.images.history(image.id)


def removal_sentence(image: Image, users: Sequence[Container], shared_layers: int) -> str:
    """What goes when an image is removed."""
    names = ", ".join(image.references)
    many = len(image.references) > 1
    if users:
        first = ", ".join(user.name for user in users[:3]) + (f" and {len(users) - 3} more" if len(users) > 3 else "")
        use = "uses it" if len(users) == 1 else "use it"
        taken = f"its {'names' if many else 'name'} {names} will be taken away" if names else "it has no name any more"
        return f"{first} {use}: {taken}, and the image stays until no container needs it."
    layers = len(image.layers) - shared_layers
    gone = f"{layers} of its {len(image.layers)} layers" if shared_layers else "all its layers"
    size = units.size(image.size_bytes)
    whole = f"{size} in {gone}" if not shared_layers else f"{gone} (the image has {size})"
    return f"{f'Its names {names} go' if many else 'Its name goes' if names else 'It goes'}, and {whole} from the disk."
