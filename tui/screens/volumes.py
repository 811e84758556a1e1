"""Volumes: a table of them, and what there is to know of the selected one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from engine.errors import BoxdeckError, Conflict
from engine.model import Container
from tui.deck import Deck
from tui.drawing import volume_rows
from tui.screens.confirm import Confirm
from tui.screens.live_screen import LiveScreen
from tui.screens.volume_form import VolumeForm
from tui.widgets.drawn import Drawn
from tui.widgets.row_list import RowList
from tui.widgets.volumes_table import VolumesTable

if TYPE_CHECKING:
    from tui.image_actions import ImageActions

_NEEDS_ONE = ("remove_volume", "visit_user")


class VolumesScreen(LiveScreen):
    """The table above, the selected volume below."""

    HERE = "volumes"
    ACTS_ON_CONTAINERS = False
    CSS_PATH = "volumes.tcss"
    AUTO_FOCUS = "#volumes-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create_volume", "new", id="volumes.create", tooltip="Make one"),
        Binding("d", "remove_volume", "remove", id="volumes.remove", tooltip="Remove it with its files; asks first"),
        Binding("P", "prune_volumes", "prune", id="volumes.prune", tooltip="Remove those without a name or a user"),
        Binding(
            "X",
            "app.xray_of('volume')",
            "x-ray",
            id="volumes.xray",
            show=False,
            tooltip="What its last actions asked of the kernel",
        ),
        Binding("enter", "visit_user", "container", id="volumes.visit", tooltip="Go to the container that uses it"),
        Binding("escape", "app.go('containers')", "back", id="volumes.back", tooltip="Back to the containers"),
    ]

    def __init__(self, deck: Deck, actions: ImageActions) -> None:
        super().__init__(deck)
        self._actions, self._volumes = actions, actions.volumes
        self._table = VolumesTable(self._volumes, deck, id="volumes-table")
        self._title = Content()

    def compose_parts(self) -> ComposeResult:
        """Table and facts."""
        with Vertical(id="volumes", classes="panel"):
            yield self._table
        with Vertical(id="volume", classes="panel"):
            yield Drawn(id="volume-facts")

    def on_mount(self) -> None:
        """Begin with what is selected."""
        self.paint_all()

    def paint(self) -> None:
        """Everything that is in sight."""
        self._volumes.look()
        self._table.show()
        volume, size = self._volumes.selected, self._volumes.selected_bytes
        panel = self.query_one("#volume")
        panel.display = volume is not None
        if volume is not None:
            name = volume_rows.name_of(volume)
            if panel.border_title != name:
                panel.border_title = name
            self.query_one("#volume-facts", Drawn).show(volume_rows.facts(volume, size, self._users))
        self._entitle()

    def _entitle(self) -> None:
        count = len(self._volumes.all or ())
        title = Content.assemble(("volumes ", "bold $foreground"), (str(count), "$muted"))
        if not title.is_same(self._title):
            self._title = self.query_one("#volumes").border_title = title

    @property
    def _users(self) -> list[Container]:
        """The containers of the selected volume."""
        volume = self._volumes.selected
        known = {each.name: each for each in self.deck.containers or ()}
        return volume_rows.users_of(volume, known) if volume is not None else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a volume."""
        if action in _NEEDS_ONE and self._volumes.selected is None:
            return None
        return None if action == "visit_user" and not self._users else True

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another volume."""
        self.paint_all()
        self.refresh_bindings()

    async def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A second click goes to the container."""
        await self.action_visit_user()

    def action_select(self, rows: int) -> None:
        """Move the selection, wherever the focus is."""
        self._table.action_move(rows)

    async def action_visit_user(self) -> None:
        """Leave for the first container that uses it."""
        if users := self._users:
            self.deck.reveal(users[0].id)
            await self.app.run_action("app.go('containers')")

    @work
    async def action_create_volume(self) -> None:
        """Ask for a name."""
        await self.app.push_screen_wait(VolumeForm("", self._create))
        self.paint_all()
        self.refresh_bindings()

    async def _create(self, name: str) -> None:
        volume = await self._volumes.operations.create(name)
        self._volumes.expect(volume.name)

    @work
    async def action_remove_volume(self) -> None:
        """Remove the selected volume, if that is really meant."""
        volume = self._volumes.selected
        if volume is None:
            return
        name = volume_rows.name_of(volume)
        try:
            used_by = ", ".join((await self._volumes.operations.get(volume.name)).users)
        except BoxdeckError as error:
            self._actions.complain(error)
            return
        if used_by:
            self._actions.complain(Conflict(f"the volume {name} is in use by {used_by}", "remove these first"))
            return
        sentence = volume_rows.removal_sentence(self._volumes.selected_bytes)
        if await self.app.push_screen_wait(Confirm(f"remove {name}", sentence, "remove it")):
            await self._guard(self._volumes.operations.remove(volume.name))

    @work
    async def action_prune_volumes(self) -> None:
        """Remove the volumes without a name that nobody uses."""
        from engine.pruning import PruneFilter

        unused = [each for each in self._volumes.all or () if each.is_anonymous and not each.users]
        if not unused:
            self.notify("every volume without a name is in use: there is nothing to prune", markup=False)
            return
        many = f"{len(unused)} volumes" if len(unused) > 1 else "One volume"
        sentence = f"{many} without a name, which no container uses, and what is in there go from the disk."
        if await self.app.push_screen_wait(Confirm("prune volumes", sentence, "remove them")):
            await self._guard(self._volumes.operations.prune(PruneFilter()))

    async def _guard(self, work: Awaitable[object]) -> None:
        try:
            await work
        except BoxdeckError as error:
            self._actions.complain(error)
        self._volumes.expire()
        self.paint_all()
