"""Networks: a table of them, what there is to know of the selected one, and the map of the whole wiring."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from engine.errors import BoxdeckError
from engine.model import Attachment, LinkEnd, NetworkRequest
from tui.deck import Deck
from tui.drawing import network_rows
from tui.drawing.network_rows import NetworkRow
from tui.screens.confirm import Confirm
from tui.screens.connect_form import ConnectForm, DisconnectForm
from tui.screens.live_screen import LiveScreen
from tui.screens.network_form import NetworkForm
from tui.widgets.drawn import Drawn
from tui.widgets.networks_table import NetworksTable
from tui.widgets.row_list import RowList
from tui.widgets.topology import TopologyPanel

if TYPE_CHECKING:
    from tui.image_actions import ImageActions

_NEEDS_ONE = ("remove_network", "connect", "disconnect")
_MOST_ROWS = 9


class NetworksScreen(LiveScreen):
    """The table above, facts of the selected network, and the map below."""

    HERE = "networks"
    ACTS_ON_CONTAINERS = False
    CSS_PATH = "networks.tcss"
    AUTO_FOCUS = "#networks-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create_network", "new", id="networks.create", tooltip="Make one"),
        Binding("c", "connect", "connect", id="networks.connect", tooltip="Put a container on it"),
        Binding("C", "disconnect", "disconnect", id="networks.disconnect", tooltip="Take a container from it"),
        Binding("d", "remove_network", "remove", id="networks.remove", tooltip="Remove it; asks first"),
        Binding("P", "prune_networks", "prune", id="networks.prune", tooltip="Remove those that nobody is on"),
        Binding(
            "X",
            "app.xray_of('network')",
            "x-ray",
            id="networks.xray",
            show=False,
            tooltip="What its last actions asked of the kernel",
        ),
        Binding("enter", "go_to_map", "on the map", id="networks.map", tooltip="Go to its bridge on the map"),
        Binding("escape", "app.go('containers')", "back", id="networks.back", tooltip="Back to the containers"),
    ]

    def __init__(self, deck: Deck, actions: ImageActions) -> None:
        super().__init__(deck)
        self._actions, self._networks = actions, actions.networks
        self._table = NetworksTable(self._networks, deck, id="networks-table")
        self._map = TopologyPanel(id="map", folds=False)
        self._title = Content()

    def compose_parts(self) -> ComposeResult:
        """Table, facts and map."""
        with Vertical(id="networks", classes="panel"):
            yield self._table
        with Vertical(id="network", classes="panel"):
            yield Drawn(id="network-facts")
        self._map.add_class("panel")
        self._map.border_title = "topology"
        yield self._map

    def on_mount(self) -> None:
        """Begin with what is selected."""
        self.paint_all()

    @property
    def shows_topology(self) -> bool:
        """The map is always in sight, and the table has its rates."""
        return True

    @property
    def _row(self) -> NetworkRow | None:
        """The selected network with what hangs on it."""
        network = self._networks.selected
        if network is None:
            return None
        return network_rows.row_of(network, self.deck.containers or (), self.deck.topology)

    def paint(self) -> None:
        """Everything that is in sight."""
        self._networks.look()
        self._table.styles.height = 1 + max(1, min(_MOST_ROWS, self._table.count))
        self._table.show()
        row = self._row
        panel = self.query_one("#network")
        if row is not None:
            if panel.border_title != row.network.name:
                panel.border_title = row.network.name
            self.query_one("#network-facts", Drawn).show(network_rows.facts(row))
        self._map.show(self.deck)
        self._entitle()

    def _entitle(self) -> None:
        count = len(self._networks.all or ())
        title = Content.assemble(("networks ", "bold $foreground"), (str(count), "$muted"))
        if not title.is_same(self._title):
            self._title = self.query_one("#networks").border_title = title

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a network, or somebody on it."""
        row = self._row
        if action in _NEEDS_ONE and row is None:
            return None
        return None if action == "disconnect" and row is not None and not row.members else True

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another network; the map shows where it is."""
        self._find_on_map()
        self.paint_all()
        self.refresh_bindings()

    async def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A second click goes to the map."""
        self.action_go_to_map()

    def action_select(self, rows: int) -> None:
        """Move the selection, wherever the focus is."""
        self._table.action_move(rows)

    def action_go_to_map(self) -> None:
        """The map, at the network's bridge."""
        self._find_on_map()
        self._map.focus()

    def _find_on_map(self) -> None:
        row, topology = self._row, self.deck.topology
        if row is not None and row.bridge is not None and topology is not None and topology.spaces:
            self._map.go_to(LinkEnd(namespace=topology.spaces[0].inode, index=row.bridge.index))

    @work
    async def action_create_network(self) -> None:
        """Ask what it is to be like."""
        await self.app.push_screen_wait(NetworkForm(self._create))
        self.paint_all()
        self.refresh_bindings()

    async def _create(self, request: NetworkRequest) -> None:
        network = await self._networks.operations.create(request)
        self._networks.expect(network.name)

    @work
    async def action_connect(self) -> None:
        """Ask which container."""
        row = self._row
        if row is None:
            return
        members = {each.id for each in row.members}
        names = [each.name for each in self.deck.containers or () if each.id not in members]
        if not names:
            self.notify(f"every container is on {row.network.name} already", markup=False)
            return
        name = row.network.name

        async def connect(container: str, wish: Attachment) -> None:
            await self._networks.operations.connect(name, container, wish)

        await self.app.push_screen_wait(ConnectForm(name, names, connect, self._proposed(names)))
        self._settle()

    @work
    async def action_disconnect(self) -> None:
        """Ask which container."""
        row = self._row
        if row is None or not row.members:
            return
        name = row.network.name

        async def disconnect(container: str, _wish: Attachment) -> None:
            await self._networks.operations.disconnect(name, container)

        names = [each.name for each in row.members]
        await self.app.push_screen_wait(DisconnectForm(name, names, disconnect, self._proposed(names)))
        self._settle()

    def _proposed(self, names: Sequence[str]) -> str:
        """The container that is lit, or the only one that it can be."""
        lit = self.deck.selected
        return lit.name if lit is not None and lit.name in names else names[0] if len(names) == 1 else ""

    @work
    async def action_remove_network(self) -> None:
        """Remove the selected network, if that is really meant."""
        row = self._row
        if row is None:
            return
        if obstacle := network_rows.obstacle_to_removal(row):
            self.notify(obstacle, severity="error", markup=False)
            return
        name = row.network.name
        sentence = f"Its bridge {row.network.bridge} and its subnets are free again."
        if await self.app.push_screen_wait(Confirm(f"remove {name}", sentence, "remove it")):
            await self._guard(self._networks.operations.remove(row.network.id))

    @work
    async def action_prune_networks(self) -> None:
        """Remove the networks that no container is on."""
        unused = network_rows.unused(self._networks.all or (), self.deck.containers or ())
        if not unused:
            self.notify("every network but the default one is in use: there is nothing to prune", markup=False)
            return
        sentence = f"No container is on {', '.join(each.name for each in unused)}."
        if await self.app.push_screen_wait(Confirm("prune networks", sentence, "remove them")):
            await self._guard(self._networks.operations.prune())

    async def _guard(self, work: Awaitable[object]) -> None:
        try:
            await work
        except BoxdeckError as error:
            self._actions.complain(error)
        self._settle()

    def _settle(self) -> None:
        self._networks.expire()
        self._actions.live.hurry()
        self.paint_all()
        self.refresh_bindings()
