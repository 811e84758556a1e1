"""Shells of containers: tabs, each with one pane or several beside each other."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.layout import Layout
from textual.widget import MountError
from textual.widgets import Static

from tui.messages import ShellPlace, ShellWanted
from tui.terminal.session import TerminalSession
from tui.widgets.pane_keys import Wish
from tui.widgets.shell_pane import ShellPane
from tui.widgets.split_layout import Split, SplitLayout

_NEW_AT = {Wish.TAB: ShellPlace.TAB, Wish.BESIDE: ShellPlace.BESIDE, Wish.BELOW: ShellPlace.BELOW}


class ShellTab(Container):
    """Panes that are seen together, of one container or of several.

    Attributes:
        panes: from the left and from the top.
        current: the one that has the focus, or had it last.
        same_keys: whether what is typed into one goes to all.
    """

    DEFAULT_CSS = """
    ShellTab {
        height: 1fr;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tree: Split[ShellPane] = Split()
        self._split_layout = SplitLayout(self._tree.regions)
        self.current: ShellPane | None = None
        self.same_keys = False

    @property
    def layout(self) -> Layout:
        """Panes share it as they were split."""
        return self._split_layout

    @property
    def panes(self) -> list[ShellPane]:
        """All that are seen together."""
        return list(self._tree.leaves())

    @property
    def container_ids(self) -> set[str]:
        """Whose panes these are."""
        return {pane.name for pane in self.panes if pane.name is not None}

    @property
    def label(self) -> str:
        """What its panes show."""
        return " │ ".join(dict.fromkeys(pane.label for pane in self.panes))

    async def add(self, pane: ShellPane, place: ShellPlace) -> None:
        """Show a further pane, after the one that had the focus last."""
        before = self.current if self.current in self.panes else None
        self._tree.add(pane, before, is_down=place is ShellPlace.BELOW)
        await self.mount(pane, after=before)
        self.current = pane
        self._rearranged()

    async def drop(self, pane: ShellPane) -> None:
        """Take a pane away."""
        at = self.panes.index(pane)
        self._tree.drop(pane)
        await pane.remove()
        left = self.panes
        self.current = left[min(at, len(left) - 1)] if left else None
        self._rearranged()

    def turn(self, steps: int) -> None:
        """Go to a neighbouring pane."""
        panes = self.panes
        if self.current in panes:
            panes[(panes.index(self.current) + steps) % len(panes)].focus()

    def toggle_same_keys(self) -> None:
        """Type into all panes at once, or no more."""
        self.same_keys = not self.same_keys
        self._rearranged()

    def _rearranged(self) -> None:
        panes = self.panes
        self.same_keys = self.same_keys and len(panes) > 1
        self.set_class(len(panes) > 1, "-split")
        for pane in panes:
            pane.companions = [other for other in panes if other is not pane] if self.same_keys else []
        self.refresh(layout=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember where to return to."""
        if isinstance(event.widget, ShellPane):
            self.current = event.widget


class Shells(Container):
    """All shells that were opened; in sight is one tab, of the container that is looked at.

    A strip above names the tabs where that container has several.
    """

    DEFAULT_CSS = """
    Shells {
        & > .strip { height: 1; display: none; }
        & > ShellTab { display: none; }
        & > ShellTab.-shown { display: block; }
    }
    """

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._tabs: list[ShellTab] = []
        self._latest: list[ShellTab] = []  # the one that was looked at last comes last
        self._container_id: str | None = None
        self._strip = Static(classes="strip")

    def compose(self) -> ComposeResult:
        """The strip; tabs come as shells are opened."""
        yield self._strip

    def show(self, container_id: str | None, names: Collection[str]) -> None:
        """Show the tab of another container.

        Args:
            names: ids of all containers there are; shells of others are closed.
        """
        for pane in [pane for tab in self._tabs for pane in tab.panes if pane.name not in names]:
            self.run_worker(self.close(pane))
        if container_id != self._container_id:
            self._container_id = container_id
            self._paint()

    def of(self, container_id: str | None) -> list[ShellTab]:
        """The tabs with a shell of a container's."""
        return [tab for tab in self._tabs if container_id in tab.container_ids]

    @property
    def shown(self) -> ShellTab | None:
        """The tab in sight: the one of the container that was looked at last."""
        mine = self.of(self._container_id)
        return next((tab for tab in reversed(self._latest) if tab in mine), None)

    @property
    def hint(self) -> str:
        """What the frame says of keys, for a pane that has no frame of its own."""
        tab = self.shown
        return tab.current.hint if tab is not None and tab.current is not None and len(tab.panes) == 1 else ""

    # --- opening and closing ---

    def focus_running(self, container_id: str, *, joined: bool = False) -> bool:
        """Go to a shell of a container's that runs, or to its own terminal, if a pane shows it already."""
        tabs = sorted(self.of(container_id), key=self._latest.index, reverse=True)
        panes = [pane for tab in tabs for pane in (tab.current, *tab.panes) if pane is not None]
        fitting = (pane for pane in panes if pane.name == container_id and pane.joined is joined)
        pane = next((pane for pane in fitting if pane.exit_status is None), None)
        if pane is None:
            return False
        self._look_at(pane)
        return True

    async def open(
        self, session: TerminalSession, container_id: str, title: str, place: ShellPlace, *, joined: bool = False
    ) -> None:
        """Show a process of a container's in a pane, and give it the focus."""
        ended = [pane for tab in self.of(container_id) for pane in tab.panes if pane.exit_status is not None]
        for pane in ended:
            await self.close(pane)
        with suppress(MountError):  # who leaves the app meanwhile sees nothing any more
            tab = self._latest[-1] if self._latest and place is not ShellPlace.TAB else await self._new_tab()
            pane = ShellPane(session, title=title, name=container_id, joined=joined)
            await tab.add(pane, place)
            self._look_at(pane)

    async def _new_tab(self) -> ShellTab:
        tab = ShellTab()
        self._tabs.append(tab)
        self._latest.append(tab)
        await self.mount(tab)
        return tab

    async def close(self, pane: ShellPane) -> None:
        """Take a pane away, and its tab with the last."""
        tab = next((tab for tab in self._tabs if pane in tab.panes), None)
        if tab is None:
            return
        await tab.drop(pane)
        if not tab.panes:
            self._tabs.remove(tab)
            self._latest.remove(tab)
            await tab.remove()
        self._paint()

    # --- looking ---

    def _look_at(self, pane: ShellPane) -> None:
        tab = next(tab for tab in self._tabs if pane in tab.panes)
        self._latest.remove(tab)
        self._latest.append(tab)
        tab.current = pane
        self._paint()
        pane.focus()

    def _paint(self) -> None:
        shown, mine = self.shown, self.of(self._container_id)
        for tab in self._tabs:
            tab.set_class(tab is shown, "-shown")
        self._strip.display = len(mine) > 1
        if not self._strip.display:  # an update lays the whole screen out anew
            return
        labels = [(f" {number} {tab.label} ", tab is shown) for number, tab in enumerate(mine, 1)]
        self._strip.update(
            Content.assemble(*((text, "bold $accent" if is_shown else "$muted") for text, is_shown in labels))
        )

    def turn(self, steps: int) -> None:
        """Go to a neighbouring tab of the same container."""
        mine, shown = self.of(self._container_id), self.shown
        if shown is not None:
            tab = mine[(mine.index(shown) + steps) % len(mine)]
            self._look_at(tab.current or tab.panes[0])

    def on_click(self, event: events.Click) -> None:
        """A click on a name in the strip shows that tab."""
        if event.widget is not self._strip:
            return
        x = 0
        for number, tab in enumerate(self.of(self._container_id), 1):
            x += len(f" {number} {tab.label} ")
            if event.x < x:
                self._look_at(tab.current or tab.panes[0])
                return

    async def on_shell_pane_asked(self, message: ShellPane.Asked) -> None:
        """Keys after the leader that are about more than one pane."""
        message.stop()
        pane, tab = message.pane, message.pane.parent
        if not isinstance(tab, ShellTab):
            return
        match message.wish:
            case Wish.NEXT_PANE | Wish.PREVIOUS_PANE:
                tab.turn(1 if message.wish is Wish.NEXT_PANE else -1)
            case Wish.NEXT_TAB | Wish.PREVIOUS_TAB:
                self.turn(1 if message.wish is Wish.NEXT_TAB else -1)
            case Wish.SAME_KEYS:
                tab.toggle_same_keys()
            case wish if pane.name is not None:
                self.app.post_message(ShellWanted(pane.name, _NEW_AT[wish]))
