"""The selected container's graphs: every resource with all that is measured of it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Container as Box
from textual.containers import Vertical, VerticalScroll

from engine.model import Container
from engine.model.limits_in_force import LimitsInForce
from tui.deck import Deck
from tui.drawing import comparison, graph, measures, units
from tui.drawing.lines import clip
from tui.drawing.measures import Measure
from tui.past import Curves, Past, Reach, bucket_seconds, remembered
from tui.readings import Readings
from tui.widgets.drawn import Drawn
from tui.widgets.graph import Graph

_LEFT = {"cpu": measures.cpu, "memory": measures.memory, "pids": measures.pids}
_RIGHT = {"io": measures.io, "network": measures.network}
_TWO_COLUMNS_FROM = 76
_LEAST_ROWS, _MOST_ROWS = 5, 24
_GUTTER = 3
_LIMITS_SECONDS = 10.0
_COMPARED_SECONDS = 2.0
_DOTS_PER_CELL = 2


class MeasureBox(Vertical):
    """One curve with what there is to say below it."""

    DEFAULT_CSS = """
    MeasureBox { height: auto; margin-bottom: 1; }
    MeasureBox > Graph { height: 5; min-height: 4; }
    """

    def compose(self) -> ComposeResult:
        """Curve above words."""
        yield Graph()
        yield Drawn()

    _shown: tuple[Measure, int, float] | None = None

    def on_resize(self) -> None:
        """As many words as there is room for now."""
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, measure: Measure, rows: int, step_seconds: float) -> None:
        """Paint it, with a curve of that many rows."""
        self._shown = measure, rows, step_seconds
        curve = self.query_one(Graph)
        curve.has_time = False
        if curve.styles.height is None or curve.styles.height.value != rows:
            curve.styles.height = rows
        room = self.size.width - len(measure.panel.title) - 2
        curve.show(replace(measure.panel, value=clip(measure.panel.value, room)), step_seconds)
        self.query_one(Drawn).show(measure.notes(self.size.width))


class Graphs(VerticalScroll):
    """Processor, memory, disks, network, processes and pressure; in two columns where there is room."""

    DEFAULT_CSS = """
    Graphs { height: 1fr; background: $background; }
    Graphs .column { height: auto; }
    Graphs #columns { height: auto; layout: vertical; padding-right: 1; }
    Graphs.-two #columns { layout: horizontal; }
    Graphs.-two .column { width: 1fr; }
    Graphs.-two #left { margin-right: 3; }
    """

    def __init__(self, deck: Deck, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._deck = deck
        self._curves = Curves()
        self._values = 0
        self._step_seconds = 1.0

    def compose(self) -> ComposeResult:
        """A box for each resource."""
        with Box(id="columns"):
            with Vertical(id="left", classes="column"):
                for name in _LEFT:
                    yield MeasureBox(id=f"measure-{name}")
            with Vertical(id="right", classes="column"):
                for name in _RIGHT:
                    yield MeasureBox(id=f"measure-{name}")
                yield Drawn(id="stalls")

    @property
    def span(self) -> str:
        """How much time is in sight, and what the key for it does."""
        whole = units.duration(self._step_seconds * self._values) if self._values else self._deck.reach.value
        marked = f"{len(self._deck.marked)} marked · " if len(self._deck.marked) > 1 else ""
        return f"{marked}last {whole} · z {'minutes' if self._deck.reach is Reach.DAY else self._deck.reach.next.value}"

    def show(self, deck: Deck) -> None:
        """Paint the selected container, or those that are marked over each other."""
        container = deck.selected
        if not (self.is_mounted and self.size):
            return
        self.set_class(self._columns > 1, "-two")
        if len(deck.marked) > 1:
            self._compare(deck.targets[: comparison.MOST])
            return
        if container is None:
            return
        width = self._column_cells
        self._values = max(0, width - graph.GUTTER) * _DOTS_PER_CELL
        seen = measures.Seen(
            container=container,
            sample=self._deck.sample(container.id),
            past=self._past(container, self._values),
            limits=self._limits(container),
        )
        for name, draw in {**_LEFT, **_RIGHT}.items():
            self.query_one(f"#measure-{name}", MeasureBox).show(draw(seen), self._rows, seen.past.step_seconds)
        self._step_seconds = seen.past.step_seconds
        self.query_one("#stalls", Drawn).show(measures.stalls(seen, width))

    def _compare(self, containers: Sequence[Container]) -> None:
        """Curves of several."""
        width = self._column_cells
        self._values = max(0, width - graph.GUTTER) * _DOTS_PER_CELL
        reach = self._deck.reach
        seconds = _COMPARED_SECONDS if reach is Reach.MINUTES else float(bucket_seconds(reach, self._values))
        ids = [each.id for each in containers]
        kept = self._readings.histories.look(ids, seconds) if self._readings else [None] * len(ids)
        members = [
            comparison.Member(each.name, remembered(reach, history, self._values))
            for each, history in zip(containers, kept, strict=True)
        ]
        self._step_seconds = next((each.past.step_seconds for each in members if each.past.cpu_percent), 1.0)
        for name in (*_LEFT, *_RIGHT):
            measure = comparison.compared(name, members)
            self.query_one(f"#measure-{name}", MeasureBox).show(measure, self._rows, self._step_seconds)
        self.query_one("#stalls", Drawn).show([])

    @property
    def _columns(self) -> int:
        return 2 if self.size.width >= _TWO_COLUMNS_FROM else 1

    @property
    def _column_cells(self) -> int:
        return (self.scrollable_content_region.width - 1 - _GUTTER * (self._columns - 1)) // self._columns

    @property
    def _rows(self) -> int:
        """Rows of one curve with its heading: what is left of the height when all words have theirs."""
        boxes = 6 // self._columns
        return max(_LEAST_ROWS, min(_MOST_ROWS, self.size.height // boxes - 4))

    @property
    def _readings(self) -> Readings | None:
        return self._deck.readings

    def _past(self, container: Container, count: int) -> Past:
        seconds = 3_600.0 if self._deck.reach is Reach.MINUTES else float(bucket_seconds(self._deck.reach, count))
        kept = self._readings.history.look(container.id, seconds) if self._readings else None
        ticks = self._deck.recent.of(container.id)
        return self._curves.past(self._deck.reach, ticks, kept, count, self._deck.history.interval_seconds)

    def _limits(self, container: Container) -> LimitsInForce | None:
        if self._readings is None or not container.is_running:
            return None
        return self._readings.limits.look(container.id, _LIMITS_SECONDS)
