"""What the app knows at this moment: the engine's latest values and which container is selected."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from msgspec.structs import replace

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
from tui import filtering, grouping
from tui.alarms import Alarms
from tui.backfill import Backfill
from tui.grouping import Heading, Row
from tui.history import CAPACITY, History
from tui.past import Reach
from tui.readings import Readings
from tui.recent import Recent
from tui.sorting import Order, in_order

EVENTS_KEPT = 200
INTERVAL_SECONDS = 1.0
"""Of curves: what was measured over a longer time is shown as if it had been the same all the while, as rates are."""

_ANSWER_SECONDS = 0.05


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
        is_reversed: whether it is the other way round.
        filter_text: only containers that pass it are listed; see `tui.filtering`.
        group_by: what they are under headings by; see `tui.grouping`.
        folded: groups of which only the heading is listed.
        marked: ids of containers that keys act on together.
        reach: how far back graphs go.
        columns: keys of the table's columns that a person chose, in their order; None for as many as fit.
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
        self.is_reversed = False
        self.group_by = ""
        self.folded: set[str] = set()
        self.marked: set[str] = set()
        self.reach = Reach.MINUTES
        self.columns: tuple[str, ...] | None = None
        self._selected_row: str | None = None
        self._place = 0
        self._rows: tuple[Row, ...] | None = None
        self._expected_id: str | None = None
        self._counted: tuple[Container, ...] | None = None
        self._running_count = 0
        self._touched_at = float("-inf")

    # --- a person ---

    def touch(self) -> None:
        """Somebody pressed a key or moved the mouse."""
        self._touched_at = time.monotonic()

    @property
    def is_touched(self) -> bool:
        """Whether somebody has just done so, and waits for the frame that shows what came of it."""
        return time.monotonic() - self._touched_at < _ANSWER_SECONDS

    # --- news ---

    def take_containers(self, containers: tuple[Container, ...]) -> None:
        """Replace the list; the selection stays on its container, or on its place when that is gone."""
        self.containers = containers
        ids = {container.id for container in containers}
        self.history.keep_only(ids)
        self.marked &= ids
        self._list_anew()

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Remember what was measured; if that took several ticks, it stands for each of them."""
        self.snapshot = snapshot
        for tick in _ticks(snapshot):
            self.history.record(tick)
            self.recent.take(tick, self.selected_id)
        if self.order.moves:
            self._list_anew()

    def take_event(self, event: Event) -> str:
        """Remember an event; returns a sentence to say at once, or nothing."""
        self.events.append(event)
        return self.alarms.take(event)

    # --- what is listed ---

    @property
    def rows(self) -> tuple[Row, ...]:
        """The containers that pass the filter, in the order that was asked for, under headings if there are groups."""
        if self._rows is None:
            found = filtering.passing(self.containers or (), self.filter_text)
            ordered = in_order(found, self.order, self.snapshot, self.is_reversed)
            self._rows = grouping.grouped(ordered, self.group_by, self.folded)
        return self._rows

    @property
    def listed(self) -> tuple[Container, ...]:
        """The containers among the rows."""
        rows = self.rows
        return tuple([row for row in rows if isinstance(row, Container)]) if self.group_by else rows  # type: ignore[return-value]

    def set_filter(self, text: str) -> None:
        """List only what passes."""
        self.filter_text = text
        self._list_anew()

    def set_order(self, order: Order, is_reversed: bool = False) -> None:
        """List containers in another order; the selected one stays selected."""
        self.order, self.is_reversed = order, is_reversed
        self._list_anew()

    def set_groups(self, by: str) -> None:
        """List containers under other headings, or under none; all are unfolded."""
        self.group_by = by
        self.folded.clear()
        self._list_anew()

    def fold(self) -> None:
        """Fold the group of the selected row, or unfold it; the selection goes to its heading."""
        row = self._selected
        if row is None or not self.group_by:
            return
        group = row.group if isinstance(row, Heading) else grouping.group_of(row, self.group_by)
        self.folded ^= {group}
        self._rows = None
        self.select(f"group {group}")

    def _list_anew(self) -> None:
        self._rows = None
        self._keep_selection()

    # --- marks ---

    def mark(self) -> None:
        """Mark the selected container, or take its mark; on a heading all of its group."""
        row = self._selected
        if isinstance(row, Container):
            self.marked ^= {row.id}
        elif row is not None:
            ids = {each.id for each in self.members(row)}
            self.marked = self.marked - ids if ids <= self.marked else self.marked | ids

    def mark_listed(self) -> None:
        """Mark all that are listed; once more takes all marks."""
        ids = {each.id for each in self.listed}
        self.marked = set() if ids <= self.marked else self.marked | ids

    @property
    def targets(self) -> tuple[Container, ...]:
        """What keys act on: the marked containers, also those that a filter hides; without marks the selected one."""
        if self.marked:
            return tuple(each for each in self.containers or () if each.id in self.marked)
        return (self.selected,) if self.selected is not None else ()

    # --- the selection ---

    @property
    def selected_id(self) -> str | None:
        """The id of the selected container; None also where a heading is selected."""
        row = self._selected_row
        return None if row is None or row.startswith("group ") else row

    @property
    def selected(self) -> Container | None:
        """The selected container, if any is listed."""
        row = self._selected
        return row if isinstance(row, Container) else None

    @property
    def selected_group(self) -> Heading | None:
        """The selected heading, if it is one."""
        row = self._selected
        return row if isinstance(row, Heading) else None

    def members(self, heading: Heading) -> tuple[Container, ...]:
        """The containers of a group that pass the filter, also if it is folded."""
        passing = filtering.passing(self.containers or (), self.filter_text)
        return tuple(each for each in passing if grouping.group_of(each, self.group_by) == heading.group)

    @property
    def selected_index(self) -> int:
        """The place of the selected row; 0 when there is none."""
        return self._place

    @property
    def _selected(self) -> Row | None:
        """The selected row, if it is there."""
        rows, wanted = self.rows, self._selected_row
        if self._place < len(rows) and rows[self._place].id == wanted:
            return rows[self._place]
        return next((row for row in rows if row.id == wanted), None)

    def select(self, row_id: str) -> None:
        """Select a container by id, or a heading; one that isn't listed leaves the selection where it is.

        The container that was selected before has been looked at.
        """
        place = next((place for place, row in enumerate(self.rows) if row.id == row_id), None)
        if place is not None:
            if row_id != self._selected_row:
                self.alarms.drop(self.selected_id)
            self._selected_row, self._place = row_id, place

    def reveal(self, container_id: str) -> None:
        """Select a container even if a filter or a folded group hides it, which ends then."""
        if container_id not in [container.id for container in self.listed]:
            self.folded.clear()
            self.set_filter("")
        self.select(container_id)

    def move(self, rows: int) -> None:
        """Move the selection down, or up, within the list."""
        every = self.rows
        if every:
            self.select(every[max(0, min(len(every) - 1, self._place + rows))].id)

    def expect(self, container_id: str) -> None:
        """Select a container as soon as it is listed."""
        self._expected_id = container_id
        self._keep_selection()

    def _keep_selection(self) -> None:
        rows = self.rows
        if self._expected_id is not None and any(row.id == self._expected_id for row in rows):
            self._selected_row, self._expected_id = self._expected_id, None
        if self._selected is None and rows:
            self._selected_row = self._neighbour(rows).id
        if self._selected_row is not None:
            self.select(self._selected_row)

    def _neighbour(self, rows: tuple[Row, ...]) -> Row:
        """What is at the selection's place now; at first rather a container than a heading."""
        place = min(self._place, len(rows) - 1)
        if self._selected_row is None and isinstance(rows[place], Heading) and place + 1 < len(rows):
            place += 1
        return rows[place]

    # --- views ---

    @property
    def is_empty(self) -> bool:
        """Whether the machine is known to have no container at all."""
        return self.containers == ()

    @property
    def running_count(self) -> int:
        """How many containers have a process now."""
        if self._counted is not self.containers:
            self._counted, self._running_count = self.containers, sum(each.is_running for each in self.containers or ())
        return self._running_count

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


def _ticks(snapshot: Snapshot) -> Iterator[Snapshot]:
    """A snapshot for each tick since the one before."""
    count = max(1, min(round(snapshot.interval_seconds / INTERVAL_SECONDS), CAPACITY))
    interval_seconds = snapshot.interval_seconds / count
    for before in range(count - 1, 0, -1):
        taken_unix_ns = snapshot.taken_unix_ns - int(before * interval_seconds * 1e9)
        yield replace(snapshot, taken_unix_ns=taken_unix_ns, interval_seconds=interval_seconds)
    yield replace(snapshot, interval_seconds=interval_seconds) if count > 1 else snapshot
