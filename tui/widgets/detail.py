"""Everything about the selected container: tabs, and all at once where there's room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from engine.model import Container
from tui.deck import Deck
from tui.drawing import facts
from tui.drawing.group_facts import group_lines
from tui.drawing.lines import Span, Tone, line
from tui.drawing.tab_strip import MORE, tabs_in_sight
from tui.messages import LogsWanted, ShellPlace
from tui.widgets import sides
from tui.widgets.drawn import Drawn
from tui.widgets.overview import Overview
from tui.widgets.still import StillVertical

if TYPE_CHECKING:
    from tui.terminal.session import TerminalSession
    from tui.widgets.log_view import LogView
    from tui.widgets.shell_pane import ShellPane
    from tui.widgets.shells import Shells, ShellTab
    from tui.widgets.sides import Side

TABS = ("overview", "graphs", "processes", "namespaces", "topology", "logs")
_SHELL = "shell"
_IN_PANELS, _AS_THEY_ARE = ("namespaces", "topology", "logs"), ("graphs", "processes")
_NAME_CELLS = 10  # for the container's name and what follows it, at least
_TITLE_CELLS = 3  # corner, line and blank before the title
_CORNER_CELLS = 6  # corner, line and blank on either side of it


class Panel(StillVertical):
    """A titled frame around one part, for where several are shown at once."""


class Detail(StillVertical):
    """The selected container from several sides.

    One side is shown at a time, chosen by `tab`. Where the screen is large, the overview shows all of them.
    A container that a shell was opened in has a further tab, which comes back with it.
    """

    BORDER_TITLE = ""
    ALLOW_MAXIMIZE = True

    tab: var[str] = var("overview")
    """The side that is shown; one of `TABS`, or ``shell``."""

    def __init__(self, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id, classes=f"-{TABS[0]}")
        self._deck = deck
        self._logs_of: tuple[str, ...] | None = None
        self._shown_id: str | None = None
        self._shown_title = Content()
        self._titled: tuple[object, ...] = ()
        self._alarm = Drawn(id="alarm")
        self._group = Drawn(id="group")
        self._overview = Overview(classes="side side-overview")
        self._panels = {name: Panel(classes=f"side side-{name}") for name in _IN_PANELS}
        self._sides: dict[str, Side] = {}
        self._log_view: LogView | None = None
        self._shells: Shells | None = None

    def compose(self) -> ComposeResult:
        """The overview, and places for sides; the style sheet shows the right ones."""
        yield self._alarm
        yield self._group
        yield self._overview
        for title, panel in self._panels.items():
            panel.border_title = title
            yield panel

    # --- news ---

    def show(self) -> None:
        """Paint the selected container."""
        if not self.is_mounted:
            return
        if self._deck.selected_id != self._shown_id:
            self._selection_moved()
        if self._shells is not None:
            self._shells.show(self._shown_id, self._deck.names)
        self._show_alarm()
        self._show_group()
        self._show_sides()
        self._title()
        self._want_logs()

    def _show_alarm(self) -> None:
        """What happened to it that nobody has looked at yet."""
        alarm = self._deck.alarms.of(self._deck.selected_id or "")
        self._alarm.display = alarm is not None
        if alarm is not None:
            self._alarm.show([facts.alarm_line(alarm, time.time_ns())])

    def _show_group(self) -> None:
        """What there is to say where no container is selected; graphs of those that are marked need none."""
        deck, group = self._deck, self._deck.selected_group
        is_nobody = deck.selected is None and not (self.tab == "graphs" and len(deck.marked) > 1)
        self.set_class(is_nobody, "-nobody")
        if is_nobody and group is not None:
            cells = max(20, self.size.width - 2)
            self._group.show(group_lines(group.group, deck.members(group), deck.sample, time.time_ns(), cells))
        elif is_nobody:
            words = "Nothing passes the filter; Escape ends it." if deck.filter_text else ""
            self._group.show([line(Span(words, Tone.MUTED))])

    def _show_sides(self) -> None:
        """Paint what is in sight; a side that never was is made."""
        if self._overview.display:
            self._overview.show(self._deck)
        if self.tab in _AS_THEY_ARE:
            self._show_side(self.tab, self)
        for name, panel in self._panels.items():
            if panel.display and name != "logs":
                self._show_side(name, panel)

    def _show_side(self, name: str, within: Widget) -> None:
        if name not in self._sides:
            self._sides[name] = sides.make(name, self._deck)
            self.call_later(self._put, self._sides[name], within)
        elif self._sides[name].display:
            self._sides[name].show(self._deck)

    async def _put(self, side: Widget, within: Widget) -> None:
        await within.mount(side)
        self.call_after_refresh(self.show)  # once it has its size

    def shows(self, side: str) -> bool:
        """Whether a side is in sight; none is while the app begins or ends."""
        return any(part.display for part in self.children if part.has_class(f"side-{side}"))

    def _selection_moved(self) -> None:
        self._shown_id = self._deck.selected_id
        if self._shells is not None:
            self._shells.show(self._shown_id, self._deck.names)
        if self.tab == _SHELL and not self._has_shell:
            self.tab = "overview"
        elif self._has_shell and self.tab == "overview":
            self.tab = _SHELL

    @property
    def _has_shell(self) -> bool:
        return self._shells is not None and bool(self._shells.of(self._deck.selected_id))

    @property
    def shell_tab(self) -> ShellTab | None:
        """The shells in sight, if any are."""
        return self._shells.shown if self._shells is not None else None

    @property
    def tabs(self) -> tuple[str, ...]:
        """The sides that the selected container has."""
        return (*TABS, _SHELL) if self._has_shell else TABS

    # --- tabs ---

    def on_mount(self) -> None:
        """Show the first side."""
        self.watch_tab("", self.tab)

    def watch_tab(self, before: str, after: str) -> None:
        """The style sheet decides by class what is shown."""
        for name in (*TABS, _SHELL):  # one by one, since each that differs has all styles below looked up again
            self.set_class(name == after, f"-{name}")
        if self.parent is not None:
            self.parent.set_class(after != "overview", "-deep")  # lists and shells want more lines than curves do
        self._title()
        if self.is_mounted:
            self.call_after_refresh(self.show)
            self.screen.refresh_bindings()  # graphs have a key of their own

    def turn(self, steps: int) -> None:
        """Go to a neighbouring tab."""
        tabs = self.tabs
        self.tab = tabs[(tabs.index(self.tab) + steps) % len(tabs)] if self.tab in tabs else tabs[0]

    def turn_reach(self) -> None:
        """Another span of time in the graphs."""
        self._deck.reach = self._deck.reach.next
        self.show()

    def _title(self) -> None:
        container = self._deck.selected
        group = self._deck.selected_group
        name = container.name if container else group.group if group else ""
        of = name, self.tabs, self.tab, self.size.width
        if of != self._titled:  # setting it repaints the whole panel
            self._titled, self._shown_title = of, self._title_of(name)
            self.border_title = self._shown_title
        subtitle = self._subtitle
        if subtitle != self.border_subtitle:
            self.border_subtitle = subtitle

    @property
    def _subtitle(self) -> str:
        if self.tab == "logs" and self._log_view is not None:
            return self._log_view.label
        if self.tab == _SHELL and self._shells is not None:
            return self._shells.hint
        side = self._sides.get(self.tab)
        return getattr(side, "span", "") if side is not None and side.is_mounted else ""  # graphs tell their time

    @property
    def _title_room(self) -> int:
        return self.outer_size.width - _CORNER_CELLS

    def _title_of(self, name: str) -> Content:
        in_sight = tabs_in_sight(self.tabs, self.tab, self._title_room - _NAME_CELLS)
        tabs = [(f" {tab} ", "bold $accent" if tab == self.tab else "$muted") for tab in in_sight]
        room = self._title_room - sum(len(text) for text, _ in tabs) - 2
        return Content.assemble((f"{_short(name, room)} ", "bold $foreground"), ("─", "$border-quiet"), *tabs)

    def on_click(self, event: events.Click) -> None:
        """A click on a name in the frame shows that side."""
        if event.screen_y != self.region.y:
            return
        x = event.screen_x - self.region.x - _TITLE_CELLS
        for tab in self.tabs:
            start = self._shown_title.plain.rfind(f" {tab} ") + 1
            if 0 < start <= x < start + len(tab):
                self.tab = tab
                return
        if self._shown_title.plain[x : x + 1] == MORE:
            self.turn(1 if x > self._shown_title.plain.find(f" {self.tab} ") else -1)

    # --- logs ---

    def _want_logs(self) -> None:
        """Follow the logs of the selected container, once they are in sight."""
        if not self._panels["logs"].display:
            return
        view, wanted = self._logs(), self._wanted_logs
        if view.is_mounted and wanted != self._logs_of:
            self._logs_of = wanted
            self.app.post_message(LogsWanted(view, wanted))  # one that a screen sends stops bubbling at the screen

    def _logs(self) -> LogView:
        """The view of logs, which is made when it is wanted first."""
        if self._log_view is None:
            from tui.widgets.log_view import LogView

            self._log_view = LogView()
            self._log_view.is_awaited = lambda: self._deck.is_touched
            self.call_later(self._put, self._log_view, self._panels["logs"])
        return self._log_view

    @property
    def _wanted_logs(self) -> tuple[str, ...]:
        if self._log_view is not None and self._log_view.everybody:
            return tuple(sorted(container.id for container in self._deck.listed))
        return (self._deck.selected_id,) if self._deck.selected_id is not None else ()

    def show_logs(self) -> None:
        """Show the logs; where they are shown already, go to them."""
        if self.tab == "logs":
            self._logs().focus()
        self.tab = "logs"

    def forget_logs(self) -> None:
        """Follow the logs anew at the next occasion, as after a restart."""
        self._logs_of = None

    def on_log_view_source_wanted(self, message: LogView.SourceWanted) -> None:
        """Lines of others, or from a time on."""
        message.stop()
        self._logs_of = self._wanted_logs
        self.app.post_message(LogsWanted(message.view, self._logs_of, message.since_unix_ns))

    def on_log_view_relabelled(self, message: LogView.Relabelled) -> None:
        """The frame says what is special about the log."""
        message.stop()
        self._title()

    # --- shells ---

    def return_to_shell(self, container_id: str, *, joined: bool = False) -> bool:
        """Go to a container's shell, or to its own terminal, if a pane shows it that runs."""
        if self._shells is None or not self._shells.focus_running(container_id, joined=joined):
            return False
        self.tab = _SHELL
        return True

    async def open_shell(
        self, session: TerminalSession, container: Container, place: ShellPlace, *, joined: bool = False
    ) -> None:
        """Show a process of a container's in a pane, and give it the focus."""
        title = f"{container.name} attached" if joined else container.name
        if self._shells is None:
            from tui.widgets.shells import Shells

            self._shells = Shells(classes="side side-shell")
            await self._put(self._shells, self)
        await self._shells.open(session, container.id, title, place, joined=joined)
        self.tab = _SHELL

    async def close_shell(self, pane: ShellPane) -> None:
        """Take a pane away."""
        if self._shells is not None:
            await self._shells.close(pane)
        if self.tab == _SHELL and not self._has_shell:
            self.tab = "overview"

    def on_shell_pane_labelled(self, message: ShellPane.Labelled) -> None:
        """The frame says what a pane without one would."""
        message.stop()
        self._title()


def _short(name: str, cells: int) -> str:
    return name if len(name) <= max(8, cells) else name[: max(7, cells - 1)] + "…"
