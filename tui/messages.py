"""What the engine tells the app; a newer one of the same kind replaces one that nobody has read yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message

from engine.errors import BoxdeckError
from engine.model import Container, Event, NamespaceEntry, NamespaceTree, Snapshot, Topology

if TYPE_CHECKING:
    from tui.widgets.log_view import LogView


@dataclass
class ContainersRead(Message, bubble=False):
    """The list of all containers, read anew because something changed."""

    containers: tuple[Container, ...]

    def can_replace(self, message: Message) -> bool:
        """Only the newest list counts."""
        return isinstance(message, ContainersRead)


@dataclass
class Sampled(Message, bubble=False):
    """One tick of the sampler. Every one counts, for the graphs; screens paint the newest."""

    snapshot: Snapshot


@dataclass
class Happened(Message, bubble=False):
    """Events, oldest first: what happens now, or what had happened before the app came."""

    events: tuple[Event, ...]
    is_news: bool = True


@dataclass
class TopologyRead(Message, bubble=False):
    """How containers are wired now."""

    topology: Topology

    def can_replace(self, message: Message) -> bool:
        """Only the newest wiring counts."""
        return isinstance(message, TopologyRead)


@dataclass
class NamespacesRead(Message, bubble=False):
    """Which namespaces and processes there are now; `every` is None unless all of the machine were asked for."""

    tree: NamespaceTree
    every: tuple[NamespaceEntry, ...] | None = None

    def can_replace(self, message: Message) -> bool:
        """Only the newest tree counts."""
        return isinstance(message, NamespacesRead)


@dataclass
class SightChanged(Message, bubble=False):
    """Something came into sight that is read only then, and should be read now."""

    def can_replace(self, message: Message) -> bool:
        """Once is enough."""
        return isinstance(message, SightChanged)


@dataclass
class EngineFailed(Message, bubble=False):
    """The engine could not do something on its own account; a person should know why."""

    error: BoxdeckError


@dataclass
class DeckChanged(Message, bubble=False):
    """For screens: the deck holds something new to paint."""

    def can_replace(self, message: Message) -> bool:
        """One paint shows everything."""
        return isinstance(message, DeckChanged)


@dataclass
class SelectionMoved(Message):
    """A person selected another container; the deck knows which."""

    def can_replace(self, message: Message) -> bool:
        """Only where the selection ends counts."""
        return isinstance(message, SelectionMoved)


@dataclass
class LogsWanted(Message, bubble=False):
    """Lines are wanted in a log view: those of so many containers, lately or from a time on."""

    view: LogView
    container_ids: tuple[str, ...]
    since_unix_ns: int | None = None


class ShellPlace(Enum):
    """Where a further shell is shown."""

    TAB = "tab"
    BESIDE = "beside"
    BELOW = "below"


@dataclass
class ShellWanted(Message, bubble=False):
    """A further shell in a container is wanted, in a tab of its own or with those in sight."""

    container_id: str
    place: ShellPlace
