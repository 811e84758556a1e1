"""What only the app knows of settings: keys and themes. The program that has an app adds what it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.config.lines import SettingPath
    from engine.config.model import Config


class Doubt(NamedTuple):
    """A setting that is of the right type and means nothing, or not what was wanted."""

    path: SettingPath
    cause: str
    remedy: str


class KeyInForce(NamedTuple):
    """What keys do one thing.

    Attributes:
        id: of what they do, as ``[keys]`` names it.
        keys: as people write them, such as ``ctrl+g``.
        does: a sentence.
        origin: ``default``, a preset, or ``config.toml``.
    """

    id: str
    keys: tuple[str, ...]
    does: str
    origin: str


checks: list[Callable[[Config], Iterable[Doubt]]] = []
"""Further looks at settings that could be read."""

key_lists: list[Callable[[Config], Iterable[KeyInForce]]] = []
"""Tell of all keys."""
