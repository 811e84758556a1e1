"""The main screen: the list of containers, and the selected one beside or below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from tui import filtering, grouping
from tui.deck import Deck
from tui.live import Sight
from tui.messages import SelectionMoved
from tui.screens.live_screen import LiveScreen
from tui.sorting import Order
from tui.widgets.containers_table import ContainersTable
from tui.widgets.detail import Detail
from tui.widgets.empty_card import EmptyCard
from tui.widgets.field import Field
from tui.widgets.still import StillBox, StillVertical

if TYPE_CHECKING:
    from tui.widgets.shell_pane import ShellPane

# What isn't needed for the first frame is imported at its first use: it costs start-up time.

_ORDERS = {
    Order.AGE: "the newest first",
    Order.STATE: "those that run first",
    Order.SHARE: "the share of the limit that is used",
    Order.UPTIME: "the longest first",
}
_GROUPS = {grouping.PROJECT: "of compose", grouping.NETWORK: "that they are on"}
_ON_A_LIST = frozenset({"filter", "maximise", "maximise_list", "reorder", "reverse", "group", "columns"})


class _List(StillVertical):
    """The table and its filter, which may have the whole screen."""

    ALLOW_MAXIMIZE = True


class ContainersScreen(LiveScreen):
    """A table at the left, the selected container at the right; on narrow screens one above the other."""

    HERE = "containers"
    AUTO_FOCUS = "#table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left,h,left_square_bracket",
            "turn(-1)",
            "side",
            id="detail.previous",
            show=False,
            tooltip="Other sides: graphs, processes, logs and more",
        ),
        Binding(
            "right,right_square_bracket",
            "turn(1)",
            "side",
            id="detail.next",
            show=False,
            tooltip="Other sides: graphs, processes, logs and more",
        ),
        Binding("z", "turn_reach", "zoom out", id="graphs.reach", tooltip="Graphs of minutes, an hour or a day"),
        Binding("slash", "filter", "filter", id="containers.filter", tooltip="List only what contains a text"),
        Binding("o", "reorder", "order", id="containers.order", show=False, tooltip="By any column, or by age"),
        Binding("O", "reverse", "reverse", id="containers.reverse", show=False, tooltip="The other way round"),
        Binding("b", "group", "group", id="containers.group", show=False, tooltip="By project, network or a label"),
        Binding("C", "columns", "columns", id="containers.columns", show=False, tooltip="Which ones, in which order"),
        Binding("plus", "maximise", "maximise", id="detail.maximise", tooltip="As large as the screen, and back"),
        Binding(
            "minus",
            "maximise_list",
            "list alone",
            id="containers.maximise",
            show=False,
            tooltip="The list, with more columns",
        ),
        Binding("escape", "back", "back", id="containers.back", show=False, tooltip="Leave a panel, or the filter"),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._shown_title = Content()
        self._table = ContainersTable(deck, id="table")
        self._detail = Detail(deck, id="detail")

    def compose_parts(self) -> ComposeResult:
        """Card, table and detail; which of them show depends on what there is."""
        yield EmptyCard(id="card")
        with StillBox(id="halves"):
            with _List(id="list"):
                yield self._table
                yield Field(id="filter", placeholder=filtering.HINT, select_on_focus=False)
            yield self._detail

    def on_mount(self) -> None:
        """Nothing is known yet."""
        self.query_one("#filter").display = False
        self.paint_all()

    @property
    def detail(self) -> Detail:
        """The selected container's part."""
        return self._detail

    @property
    def shows_namespaces(self) -> Sight:
        """Whether the side with namespaces is in sight."""
        return Sight.CONTAINERS if self.detail.shows("namespaces") else Sight.NONE

    @property
    def shows_topology(self) -> bool:
        """Whether the side with the wiring is in sight."""
        return self.detail.shows("topology")

    def paint(self) -> None:
        """Card or halves, then both halves."""
        is_empty = self.deck.is_empty
        self.query_one("#card").display = is_empty
        self.query_one("#halves").display = self.deck.containers is not None and not is_empty
        self._table.show()
        self.detail.show()
        self._look_back()
        self._title()
        self._follow_filter()
        if self.focused is None and not is_empty:
            self._table.focus()

    def _look_back(self) -> None:
        """Curves in sight also show what was before the app came: the selected container's first."""
        if self.deck.backfill is not None and self.deck.snapshot is not None:
            selected = self.deck.selected
            running = [each.id for each in self._table.in_sight if each.is_running]
            self.deck.backfill.look([selected.id, *running] if selected is not None else running)

    def _title(self) -> None:
        listed, every = len(self.deck.listed), len(self.deck.containers or ())
        count = f"{listed} of {every}" if self.deck.filter_text else f"{every}"
        title = Content.assemble(("containers ", "bold $foreground"), (count + self._arrangement, "$muted"))
        if not title.is_same(self._shown_title):  # setting it repaints the whole panel
            self._shown_title = self.query_one("#list").border_title = title

    @property
    def _arrangement(self) -> str:
        """In which order rows are, under which headings, and how many have marks."""
        deck = self.deck
        order = f" · {deck.order.value or 'age'} {'▴' if deck.is_reversed else '▾'}"
        parts = [order if deck.order.value or deck.is_reversed else ""]
        parts.append(f" · by {grouping.words(deck.group_by)}" if deck.group_by else "")
        parts.append(f" · {len(deck.marked)} marked" if deck.marked else "")
        return "".join(parts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to filter or enlarge on an empty machine, and only graphs have a reach."""
        if action == "turn_reach":
            return self.is_mounted and self.detail.tab == "graphs"
        return not self.deck.is_empty or action not in _ON_A_LIST

    # --- selection and sides ---

    def on_selection_moved(self, message: SelectionMoved) -> None:
        """Follow at once."""
        self.paint_selection()

    def action_turn(self, steps: int) -> None:
        """Show a neighbouring side of the selected container."""
        self.detail.turn(steps)

    def action_turn_reach(self) -> None:
        """Another span of time in the graphs."""
        self.detail.turn_reach()

    def action_reorder(self) -> None:
        """Ask for another order of the list."""
        from tui.screens.pick import Choice, Pick

        choices = [Choice(each.value, each.value or "age", _ORDERS.get(each, "")) for each in Order]

        def chosen(value: str | None) -> None:
            if value is not None:
                self.deck.set_order(Order(value))
                self.paint_all()

        self.app.push_screen(Pick("order by", choices, self.deck.order.value, again="o"), chosen)

    def action_reverse(self) -> None:
        """The same order the other way round."""
        self.deck.set_order(self.deck.order, not self.deck.is_reversed)
        self.paint_all()

    def action_group(self) -> None:
        """Ask by what to group."""
        from tui.screens.pick import Choice, Pick

        found = grouping.choices(self.deck.containers or ())
        choices = [Choice(by, grouping.words(by), _GROUPS.get(by, "")) for by in found]

        def chosen(by: str | None) -> None:
            if by is not None:
                self.deck.set_groups(by)
                self.paint_all()

        self.app.push_screen(Pick("group by", choices, self.deck.group_by, again="b"), chosen)

    def action_columns(self) -> None:
        """Ask which columns."""
        from tui.screens.columns import Columns

        def changed(shown: tuple[str, ...] | None) -> None:
            self.deck.columns = shown
            self.paint_all()

        self.app.push_screen(Columns(self.deck.columns, changed))

    def action_maximise(self) -> None:
        """The detail alone, and back."""
        self._fill_with(self.detail)

    def action_maximise_list(self) -> None:
        """The list alone, and back."""
        self._fill_with(self.query_one("#list"))

    def _fill_with(self, widget: Widget) -> None:
        is_alone = self.maximized is widget
        if self.maximized is not None:
            self.minimize()
        if not is_alone:
            self.maximize(widget, container=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A list that fills the screen makes room for what the keys go to, such as a shell."""
        if self.maximized is self.query_one("#list") and self.maximized not in event.widget.ancestors_with_self:
            self.minimize()

    def action_back(self) -> None:
        """Undo the last widening: a maximised panel, marks, the filter, the focus; then an alarm has been looked at."""
        if self.maximized is not None:
            self.minimize()
        elif self.deck.marked:
            self.deck.marked.clear()
            self.paint_all()
        elif self.deck.filter_text or self.query_one("#filter").display:
            self._end_filter("")
        elif self._table.has_focus and self.deck.selected_id is not None:
            self.deck.alarms.drop(self.deck.selected_id)
            self.paint_all()
        self._table.focus()

    # --- shells ---

    def on_shell_pane_left(self, message: ShellPane.Left) -> None:
        """Back to the table; the process runs on."""
        self.minimize()
        self.set_focus(self._table)  # at once: what is typed next is meant for it

    async def on_shell_pane_closed(self, message: ShellPane.Closed) -> None:
        """Its process has ended and was looked at."""
        self.minimize()
        await self.detail.close_shell(message.pane)
        tab = self.detail.shell_tab
        self.set_focus(tab.current if tab is not None and tab.current is not None else self._table)

    # --- filter ---

    def action_filter(self) -> None:
        """Ask for a text."""
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)  # at once: what is typed next is meant for it

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while typing."""
        self.deck.set_filter(event.value)
        self.paint_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go to the list."""
        self._end_filter(event.value)

    def _follow_filter(self) -> None:
        """A filter that was ended elsewhere isn't shown any more."""
        field = self.query_one("#filter", Input)
        if not field.has_focus and field.value != self.deck.filter_text:
            field.value = self.deck.filter_text
            field.display = bool(self.deck.filter_text)

    def _end_filter(self, text: str) -> None:
        field = self.query_one("#filter", Input)
        field.value = text
        field.display = bool(text)
        self._table.focus()
