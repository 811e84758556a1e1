"""Everything about the selected container: tabs, and all at once where there's room."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from tui.deck import Deck
from tui.messages import LogsWanted
from tui.terminal.session import TerminalSession
from tui.widgets.log_view import LogView
from tui.widgets.namespace_tree import NamespacePanel
from tui.widgets.overview import Overview
from tui.widgets.shell_pane import ShellPane
from tui.widgets.topology import TopologyPanel

TABS = ("overview", "namespaces", "topology", "logs")
_SHELL = "shell"
_TITLE_CELLS = 3  # corner, line and blank before the title


class Panel(Vertical):
    """A titled frame around one part, for where several are shown at once."""


class Detail(Vertical):
    """The selected container from several sides.

    One side is shown at a time, chosen by `tab`. Where the screen is large, the overview shows all of them.
    A container that a shell was opened in has a further tab, which comes back with it.
    """

    BORDER_TITLE = ""
    ALLOW_MAXIMIZE = True

    tab: var[str] = var("overview")
    """The side that is shown; one of `TABS`, or ``shell``."""

    def __init__(self, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._deck = deck
        self._logs_of: str | None = None
        self._shown_id: str | None = None
        self._shown_title = Content()

    def compose(self) -> ComposeResult:
        """All sides; the style sheet shows the right ones."""
        yield Overview(classes="side side-overview")
        with Panel(classes="side side-namespaces") as panel:
            panel.border_title = "namespaces"
            yield NamespacePanel()
        with Panel(classes="side side-topology") as panel:
            panel.border_title = "topology"
            yield TopologyPanel()
        with Panel(classes="side side-logs") as panel:
            panel.border_title = "logs"
            yield LogView()

    # --- news ---

    def show(self) -> None:
        """Paint the selected container."""
        if not self.is_mounted:
            return
        if self._deck.selected_id != self._shown_id:
            self._selection_moved()
        self._drop_shells_of_the_gone()
        self._show_sides()
        self._title()
        self._want_logs()

    def _show_sides(self) -> None:
        """Paint what is in sight."""
        sides = (self.query_one(Overview), self.query_one(NamespacePanel), self.query_one(TopologyPanel))
        for side in sides:
            if side.display and isinstance(side.parent, Widget) and side.parent.display:
                side.show(self._deck)

    def _selection_moved(self) -> None:
        self._shown_id = self._deck.selected_id
        for pane in self.query(ShellPane):
            pane.set_class(pane.name == self._shown_id, "-of-selected")
        if self.tab == _SHELL and self.shell is None:
            self.tab = "overview"
        elif self.shell is not None and self.tab == "overview":
            self.tab = _SHELL

    @property
    def shell(self) -> ShellPane | None:
        """The selected container's shell, if one was opened."""
        return next((pane for pane in self.query(ShellPane) if pane.name == self._deck.selected_id), None)

    @property
    def tabs(self) -> tuple[str, ...]:
        """The sides that the selected container has."""
        return (*TABS, _SHELL) if self.shell is not None else TABS

    # --- tabs ---

    def on_mount(self) -> None:
        """Show the first side."""
        self.watch_tab("", self.tab)

    def watch_tab(self, before: str, after: str) -> None:
        """The style sheet decides by class what is shown."""
        self.remove_class(*(f"-{name}" for name in (*TABS, _SHELL)))
        self.add_class(f"-{after}")
        if self.parent is not None:
            self.parent.set_class(after != "overview", "-deep")  # lists and shells want more lines than curves do
        self._title()
        if self.is_mounted:
            self.call_after_refresh(self.show)

    def turn(self, steps: int) -> None:
        """Go to a neighbouring tab."""
        tabs = self.tabs
        self.tab = tabs[(tabs.index(self.tab) + steps) % len(tabs)] if self.tab in tabs else tabs[0]

    def _title(self) -> None:
        container = self._deck.selected
        name = container.name if container else ""
        tabs = [(f" {tab} ", "bold $accent" if tab == self.tab else "$muted") for tab in self.tabs]
        room = self.size.width - sum(len(text) for text, _ in tabs) - 2
        title = Content.assemble((f"{_short(name, room)} ", "bold $foreground"), ("─", "$border-quiet"), *tabs)
        if not title.is_same(self._shown_title):  # setting it repaints the whole panel
            self._shown_title = self.border_title = title

    def on_click(self, event: events.Click) -> None:
        """A click on a name in the frame shows that side."""
        if event.screen_y != self.region.y:
            return
        x = event.screen_x - self.region.x - _TITLE_CELLS
        for tab in self.tabs:
            start = self._shown_title.plain.rfind(f" {tab} ") + 1
            if start <= x < start + len(tab):
                self.tab = tab

    # --- logs ---

    def _want_logs(self) -> None:
        """Follow the logs of the selected container, once they are in sight."""
        view = self.query_one(LogView)
        wanted = self._deck.selected_id
        in_sight = view.is_mounted and isinstance(view.parent, Widget) and view.parent.display
        if in_sight and wanted != self._logs_of:
            self._logs_of = wanted
            self.app.post_message(LogsWanted(view, wanted))  # one that a screen sends stops bubbling at the screen

    def forget_logs(self) -> None:
        """Follow the logs anew at the next occasion, as after a restart."""
        self._logs_of = None

    # --- shells ---

    def return_to_shell(self) -> bool:
        """Go to the selected container's shell, if there is one that runs."""
        pane = self.shell
        if pane is None or pane.exit_status is not None:
            return False
        self.tab = _SHELL
        pane.focus()
        return True

    async def open_shell(self, session: TerminalSession, container_id: str, title: str) -> None:
        """Show a process of a container's in a pane, and give it the focus."""
        for ended in [pane for pane in self.query(ShellPane) if pane.name == container_id]:
            await ended.remove()
        pane = ShellPane(session, title=title, name=container_id, classes="side side-shell -of-selected")
        await self.mount(pane)
        self.tab = _SHELL
        pane.focus()

    def _drop_shells_of_the_gone(self) -> None:
        for pane in self.query(ShellPane):
            if pane.name not in self._deck.names:
                self.run_worker(self.close_shell(pane))

    async def close_shell(self, pane: ShellPane) -> None:
        """Take a pane away."""
        await pane.remove()
        if self.tab == _SHELL:
            self.tab = "overview"


def _short(name: str, cells: int) -> str:
    return name if len(name) <= max(8, cells) else name[: max(7, cells - 1)] + "…"
