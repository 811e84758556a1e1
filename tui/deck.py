"""What the app knows at this moment: the engine's latest values and which container is selected."""

from __future__ import annotations

from collections import deque

from engine.model import (
    Container,
    ContainerNamespaces,
    ContainerSample,
    Event,
    HostSample,
    NamespaceEntry,
    NamespaceTree,
    Snapshot,
    State,
    Topology,
)
from tui.alarms import Alarms
from tui.backfill import Backfill
from tui.history import History
from tui.readings import Readings
from tui.recent import Recent
from tui.sorting import Order, in_order

EVENTS_KEPT = 200


class Deck:
    """The latest of everything; the app writes news to it, screens read it and move the selection.

    Attributes:
        containers: newest first; None until they were read for the first time.
        pending: what is being done to a container, such as ``stopping``, by its id.
        recent: whole samples of the machine and of the selected container.
        events: the latest, oldest first.
        alarms: what a person should look at.
        readings: what is read only while somebody looks at it; None where there is no engine to read from.
        backfill: fills `history` with what was recorded before; None likewise.
        order: in which they are listed.
        filter_text: only containers whose name, image or id contains it are listed.
    """

    def __init__(self) -> None:
        self.containers: tuple[Container, ...] | None = None
        self.snapshot: Snapshot | None = None
        self.topology: Topology | None = None
        self.namespaces: NamespaceTree | None = None
        self.every_namespace: tuple[NamespaceEntry, ...] | None = None
        self.history = History()
        self.recent = Recent()
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.alarms = Alarms()
        self.readings: Readings | None = None
        self.backfill: Backfill | None = None
        self.pending: dict[str, str] = {}
        self.filter_text = ""
        self.order = Order.AGE
        self.selected_id: str | None = None
        self._place = 0
        self._listed: tuple[Container, ...] | None = None
        self._expected_id: str | None = None

    # --- news ---

    def take_containers(self, containers: tuple[Container, ...]) -> None:
        """Replace the list; the selection stays on its container, or on its place when that is gone."""
        self.containers = containers
        self._listed = None
        self.history.keep_only({container.id for container in containers})
        self._keep_selection()

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Remember one tick."""
        self.snapshot = snapshot
        self.history.record(snapshot)
        self.recent.take(snapshot, self.selected_id)
        if self.order.moves:
            self._listed = None
            self._keep_selection()

    def take_event(self, event: Event) -> str:
        """Remember an event; returns a sentence to say at once, or nothing."""
        self.events.append(event)
        return self.alarms.take(event)

    # --- the selection ---

    @property
    def listed(self) -> tuple[Container, ...]:
        """The containers that pass the filter, in the order that was asked for."""
        if self._listed is None:
            wanted = self.filter_text.casefold()
            found = tuple(each for each in self.containers or () if not wanted or _matches(each, wanted))
            self._listed = in_order(found, self.order, self.snapshot)
        return self._listed

    @property
    def selected(self) -> Container | None:
        """The selected container, if any is listed."""
        listed = self.listed
        if self._place < len(listed) and listed[self._place].id == self.selected_id:
            return listed[self._place]
        return next((each for each in listed if each.id == self.selected_id), None)

    @property
    def selected_index(self) -> int:
        """Its place in the list; 0 when the list is empty."""
        return self._place

    def select(self, container_id: str) -> None:
        """Select a container by id; one that isn't listed leaves the selection where it is.

        The one that was selected before has been looked at.
        """
        ids = [container.id for container in self.listed]
        if container_id in ids:
            if container_id != self.selected_id:
                self.alarms.drop(self.selected_id)
            self.selected_id, self._place = container_id, ids.index(container_id)

    def reveal(self, container_id: str) -> None:
        """Select a container even if a filter hides it, which ends then."""
        if container_id not in [container.id for container in self.listed]:
            self.set_filter("")
        self.select(container_id)

    def move(self, rows: int) -> None:
        """Move the selection down, or up, within the list."""
        listed = self.listed
        if listed:
            self.select(listed[max(0, min(len(listed) - 1, self._place + rows))].id)

    def expect(self, container_id: str) -> None:
        """Select a container as soon as it is listed."""
        self._expected_id = container_id
        self._keep_selection()

    def set_filter(self, text: str) -> None:
        """List only what contains the text."""
        self.filter_text = text
        self._listed = None
        self._keep_selection()

    def set_order(self, order: Order) -> None:
        """List containers in another order; the selected one stays selected."""
        self.order = order
        self._listed = None
        self._keep_selection()

    def _keep_selection(self) -> None:
        listed = self.listed
        if self._expected_id in [container.id for container in listed]:
            self.selected_id, self._expected_id = self._expected_id, None
        if self.selected is None and listed:
            self.selected_id = listed[min(self._place, len(listed) - 1)].id
        if self.selected_id is not None:
            self.select(self.selected_id)

    # --- views ---

    @property
    def is_empty(self) -> bool:
        """Whether the machine is known to have no container at all."""
        return self.containers == ()

    @property
    def running_count(self) -> int:
        """How many containers have a process now."""
        return sum(container.is_running for container in self.containers or ())

    @property
    def host(self) -> HostSample:
        """The machine's totals at the last tick."""
        return self.snapshot.host if self.snapshot else HostSample()

    @property
    def names(self) -> dict[str, str]:
        """Names of containers by id."""
        return {container.id: container.name for container in self.containers or ()}

    def sample(self, container_id: str) -> ContainerSample | None:
        """A container's numbers at the last tick; None when it didn't run then."""
        return self.snapshot.containers.get(container_id) if self.snapshot else None

    def namespaces_of(self, container_id: str) -> ContainerNamespaces | None:
        """A running container's namespaces, when they were read already."""
        found = self.namespaces.containers if self.namespaces else ()
        return next((each for each in found if each.container_id == container_id), None)

    def off_the_bridges(self) -> tuple[Container, ...]:
        """Running containers without a veth: on the host's network or on none."""
        return tuple(each for each in self.containers or () if each.state is State.RUNNING and not each.endpoints)


def _matches(container: Container, wanted: str) -> bool:
    return any(wanted in text.casefold() for text in (container.name, container.request.image, container.short_id))
