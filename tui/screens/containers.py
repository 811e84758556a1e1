"""The main screen: the list of containers, and the selected one beside or below it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container as Box
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from tui.deck import Deck
from tui.messages import SelectionMoved
from tui.screens.live_screen import LiveScreen
from tui.widgets.containers_table import ContainersTable
from tui.widgets.detail import Detail
from tui.widgets.empty_card import EmptyCard
from tui.widgets.field import Field
from tui.widgets.shell_pane import ShellPane


class ContainersScreen(LiveScreen):
    """A table at the left, the selected container at the right; on narrow screens one above the other."""

    HERE = "containers"
    AUTO_FOCUS = "#table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left",
            "turn(-1)",
            "side",
            id="detail.previous",
            show=False,
            tooltip="Other sides: namespaces, topology, logs",
        ),
        Binding(
            "right",
            "turn(1)",
            "side",
            id="detail.next",
            show=False,
            tooltip="Other sides: namespaces, topology, logs",
        ),
        Binding("slash", "filter", "filter", id="containers.filter", tooltip="List only what contains a text"),
        Binding("plus", "maximise", "maximise", id="detail.maximise", tooltip="As large as the screen, and back"),
        Binding("escape", "back", "back", id="containers.back", show=False, tooltip="Leave a panel, or the filter"),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._shown_title = Content()

    def compose_parts(self) -> ComposeResult:
        """Card, table and detail; which of them show depends on what there is."""
        yield EmptyCard(id="card")
        with Box(id="halves"):
            with Vertical(id="list"):
                yield ContainersTable(self.deck, id="table")
                yield Field(id="filter", placeholder="name, image or id", select_on_focus=False)
            yield Detail(self.deck, id="detail")

    def on_mount(self) -> None:
        """Nothing is known yet."""
        self.query_one("#filter").display = False
        self.paint_all()

    @property
    def detail(self) -> Detail:
        """The selected container's part."""
        return self.query_one(Detail)

    @property
    def shows_namespaces(self) -> bool:
        """Whether the side with namespaces is in sight."""
        return self.detail.query_one(".side-namespaces").display

    def paint(self) -> None:
        """Card or halves, then both halves."""
        is_empty = self.deck.is_empty
        self.query_one("#card").display = is_empty
        self.query_one("#halves").display = self.deck.containers is not None and not is_empty
        self.query_one(ContainersTable).show()
        self.detail.show()
        self._title()
        if self.focused is None and not is_empty:
            self.query_one(ContainersTable).focus()

    def _title(self) -> None:
        listed, every = len(self.deck.listed), len(self.deck.containers or ())
        count = f"{listed} of {every}" if self.deck.filter_text else f"{every}"
        title = Content.assemble(("containers ", "bold $foreground"), (count, "$muted"))
        if not title.is_same(self._shown_title):  # setting it repaints the whole panel
            self._shown_title = self.query_one("#list").border_title = title

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to filter or enlarge on an empty machine."""
        return not self.deck.is_empty or action not in ("filter", "maximise")

    # --- selection and sides ---

    def on_selection_moved(self, message: SelectionMoved) -> None:
        """Follow at once."""
        self.paint_all()

    def action_turn(self, steps: int) -> None:
        """Show a neighbouring side of the selected container."""
        self.detail.turn(steps)

    def action_maximise(self) -> None:
        """The detail alone, and back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.detail, container=False)

    def action_back(self) -> None:
        """Undo the last widening: a maximised panel, the filter, the focus."""
        if self.maximized is not None:
            self.minimize()
        elif self.deck.filter_text or self.query_one("#filter").display:
            self._end_filter("")
        self.query_one(ContainersTable).focus()

    # --- shells ---

    def on_shell_pane_left(self, message: ShellPane.Left) -> None:
        """Back to the table; the process runs on."""
        self.minimize()
        self.query_one(ContainersTable).focus()

    async def on_shell_pane_closed(self, message: ShellPane.Closed) -> None:
        """Its process has ended and was looked at."""
        self.minimize()
        await self.detail.close_shell(message.pane)
        self.query_one(ContainersTable).focus()

    # --- filter ---

    def action_filter(self) -> None:
        """Ask for a text."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while typing."""
        self.deck.set_filter(event.value)
        self.paint_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go to the list."""
        self._end_filter(event.value)

    def _end_filter(self, text: str) -> None:
        field = self.query_one("#filter", Input)
        field.value = text
        field.display = bool(text)
        self.query_one(ContainersTable).focus()
