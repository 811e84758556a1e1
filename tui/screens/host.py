"""The machine: its totals, the tree of control groups, and what happened lately."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container as Box
from textual.containers import Grid, Vertical
from textual.content import Content

from tui.drawing import event_lines, machine
from tui.drawing.lines import Span, Tone, line
from tui.messages import SelectionMoved
from tui.screens.live_screen import LiveScreen
from tui.widgets.drawn import Drawn, content_of
from tui.widgets.graph import Graph
from tui.widgets.group_tree import GroupTree

_CURVES = {"cpu": machine.cpu, "memory": machine.memory, "disks": machine.disks, "network": machine.network}


class HostScreen(LiveScreen):
    """Curves of the machine above, control groups and events below; on small screens lines instead of curves."""

    HERE = "host"
    CSS_PATH = "host.tcss"
    AUTO_FOCUS = "#groups"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "check", "check", id="host.check", tooltip="Find what is out of step, and mend it"),
        Binding("escape", "app.go('containers')", "back", id="host.back", tooltip="Back to the containers"),
    ]

    def compose_parts(self) -> ComposeResult:
        """The machine, the tree and events."""
        with Vertical(id="machine", classes="panel"):
            yield Drawn(id="brief")
            with Grid(id="curves"):
                yield Graph(id="cpu")
                yield Graph(id="memory")
                yield Drawn(id="stalls")
                yield Graph(id="disks")
                yield Graph(id="network")
        with Box(id="below"):
            with Vertical(id="tree", classes="panel") as panel:
                panel.border_title = "control groups"
                yield GroupTree(self.deck, id="groups")
            with Vertical(id="news", classes="panel") as panel:
                panel.border_title = "events"
                yield Drawn(id="events")

    def on_mount(self) -> None:
        """Nothing is known of marks yet."""
        self._shown_title = self._shown_note = Content()
        self.paint_all()

    def paint(self) -> None:
        """Everything that is in sight."""
        self._paint_machine()
        self.query_one(GroupTree).show()
        self._footnote()
        news = self.query_one("#events", Drawn)
        area = self.query_one("#news").content_region
        lines = event_lines.event_lines(self.deck.events, area.width, area.height, self.deck.names)
        news.show(lines or [_QUIET])

    def _paint_machine(self) -> None:
        hosts = tuple(self.deck.recent.hosts)
        if not hosts:
            return
        title = content_of(machine.title(hosts))
        if not title.is_same(self._shown_title):
            self._shown_title = self.query_one("#machine").border_title = title
        brief, curves = self.query_one("#brief", Drawn), self.query_one("#curves")
        if brief.display:
            brief.show(machine.brief(hosts, brief.size.width))
        if curves.display:
            for name, draw in _CURVES.items():
                self.query_one(f"#{name}", Graph).show(draw(hosts), self.deck.history.interval_seconds)
            stalls = self.query_one("#stalls", Drawn)
            stalls.show(machine.stalls(hosts, stalls.size.width))

    def _footnote(self) -> None:
        note = content_of(self.query_one(GroupTree).footnote)
        if not note.is_same(self._shown_note):
            self._shown_note = self.query_one("#tree").border_subtitle = note

    def action_check(self) -> None:
        """What is out of step."""
        from tui.screens.checkup import Checkup  # at its first use: it costs start-up time

        if self.deck.readings is not None:
            self.app.push_screen(Checkup(self.deck.readings.check))

    def on_selection_moved(self, message: SelectionMoved) -> None:
        """Follow at once."""
        self.paint_all()

    async def on_group_tree_opened(self, message: GroupTree.Opened) -> None:
        """Leave for the container that was chosen."""
        self.deck.reveal(message.container_id)
        await self.app.run_action("app.go('containers')")


_QUIET = line(Span("nothing yet", Tone.MUTED))
