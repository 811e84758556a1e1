"""An app whose keys act on whatever is selected: its actions in a list, its name copied, all about it, going to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import work

from engine.config.model import Config
from engine.errors import BoxdeckError
from engine.model import Image
from tui.drawing import volume_rows
from tui.drawing.image_rows import name_of
from tui.image_actions import ImageActions
from tui.objects import Registry

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model.xray import Xray
    from tui.screens.actions import Action

_ON_OBJECTS = frozenset({"container", "images", "volumes", "networks", "topology", "groups", "namespaces", "files"})
"""First words of the ids of keys that do something to what is selected."""

_ELSEWHERE = frozenset(
    {"container.run", "images.pull", "volumes.create", "volumes.prune", "networks.create", "networks.prune"}
)
"""Ids of keys that make something new, or act on many."""

_MOVES = frozenset({"back", "leave", "up", "down", "first", "last", "previous", "next", "page_up", "page_down"})
"""Last words of those that only move."""


class ObjectActions(ImageActions):
    """What keys do to the object that is selected, of whichever kind it is.

    Attributes:
        objects: everything with a name.
    """

    def __init__(self, engine: Engine, config: Config) -> None:
        super().__init__(engine, config)
        self.objects = Registry(engine)

    @property
    def selected_name(self) -> str:
        """The name of what is selected on the screen in sight; empty when nothing is."""
        here = self._screen_in_sight
        kind = here.HERE if here is not None else ""
        if kind == "images":
            return name_of(self.images.selected) if self.images.selected is not None else ""
        if kind == "volumes":
            return self.volumes.selected_name
        if kind == "networks":
            return self.networks.selected_name
        return self.deck.selected.name if self.deck.selected is not None else ""

    # --- all actions ---

    @work
    async def action_actions(self) -> None:
        """All that can be done to what is selected."""
        from tui.screens.actions import Actions  # at its first use: it costs start-up time

        chosen = await self.push_screen_wait(Actions(self.selected_name or "actions", self._actions_here()))
        if chosen is not None:
            await self.run_action(chosen.action, chosen.node)

    def _actions_here(self) -> list[Action]:
        """Those that can be done now, in the order of the key bar's groups."""
        from tui.screens.actions import Action

        found: dict[str, Action] = {}
        for key, (node, binding, enabled, _) in self.screen.active_bindings.items():
            kind, _, what = (binding.id or "").partition(".")
            if not enabled or not binding.tooltip or binding.id in _ELSEWHERE:
                continue
            if kind in _ON_OBJECTS and what not in _MOVES:
                known = found.get(binding.id or "")
                keys = (*known.keys, key) if known is not None else (key,)
                found[binding.id or ""] = Action(keys, binding.description, binding.tooltip, binding.action, node)
        return list(found.values())

    # --- copying, looking at ---

    def action_copy_name(self) -> None:
        """Copy what is selected with the mouse, or the name of what the cursor is on (OSC 52)."""
        text = self.screen.get_selected_text()
        if text or self.selected_name:
            self.copy_to_clipboard(text or self.selected_name)
            self.notify("copied what is selected" if text else f"copied {self.selected_name}", markup=False)

    def action_inspect(self) -> None:
        """Everything that is known of the selected container."""
        from tui.screens.document import Document  # at its first use: it costs start-up time

        if container := self.deck.selected:
            self.push_screen(Document(container.name, partial(self.objects.document, container.id)))

    def action_xray(self) -> None:
        """Every call to the kernel that the selected container's last actions took."""
        if container := self.deck.selected:
            self._look_through(container.name, container.id, "container")

    def action_xray_of(self, kind: str) -> None:
        """The same of what is selected among the images, networks or volumes; or of the pull that failed."""
        pull = self.images.pulls.latest if kind == "image" else None
        if pull is not None and pull.has_failed:
            self._look_through(pull.reference, pull.reference, kind)
        elif kind == "image" and (image := self.images.selected):
            self._look_through(name_of(image), image.id, kind)
        elif kind == "network" and (network := self.networks.selected):
            self._look_through(network.name, network.id, kind)
        elif kind == "volume" and (volume := self.volumes.selected):
            self._look_through(volume_rows.name_of(volume), volume.name, kind)

    @work
    async def _look_through(self, name: str, reference: str, kind: str) -> None:
        from tui.screens.xray import XrayScreen  # at its first use: it costs start-up time

        try:
            found = await self.objects.recordings(reference, kind)
        except BoxdeckError as error:
            self.complain(error)
            return
        if not found:
            self.notify(
                f"Nothing of {name} has been recorded since the machine started.", severity="warning", markup=False
            )
            return

        async def read(index: int) -> Xray:
            return await self.objects.xray(found[index])

        self.push_screen(XrayScreen(name, [recording.action for recording in found], read))

    @work
    async def action_compare_namespaces(self) -> None:
        """The selected container's namespaces beside the host's, and beside those of another that runs."""
        from tui.screens.namespace_comparison import NamespaceComparison  # at its first use: it costs start-up time
        from tui.screens.pick import Choice, Pick

        selected = self.deck.selected
        if selected is None or not selected.is_running:
            self.notify("Namespaces live as long as processes: select a container that runs.", severity="warning")
            return
        others = [each for each in self.deck.containers or () if each.is_running and each.id != selected.id]
        other: str | None = ""
        if others:
            choices = [Choice("", "the host"), *(Choice(each.id, each.name, each.request.image) for each in others)]
            other = await self.push_screen_wait(Pick(f"compare {selected.name} with", choices, ""))
        if other is None:
            return
        try:
            portraits = await self.objects.portraits(selected.id, *filter(None, [other]))
        except BoxdeckError as error:
            self.complain(error)
            return
        self.push_screen(NamespaceComparison(portraits))

    # --- going to ---

    def action_show_view(self, name: str) -> None:
        """See `show_view`."""
        self.show_view(name)

    def show_view(self, name: str) -> None:
        """Have a full screen in sight, whether it is there already or not."""
        here = self._screen_in_sight
        if here is None or name != here.HERE:
            self.action_go(name)

    def action_go(self, name: str) -> None:
        """Show a screen."""
        raise NotImplementedError

    def go_to_container(self, container_id: str) -> None:
        """Select a container in the list."""
        self.deck.reveal(container_id)
        self.return_to_containers()
        self.paint()

    def go_to_image(self, image: Image) -> None:
        """Select an image in the list."""
        self.images.expect(image.id)
        self.show_view("images")
        self.paint()

    def go_to_volume(self, name: str) -> None:
        """Select a volume in the list."""
        self.volumes.expect(name)
        self.show_view("volumes")
        self.paint()

    def go_to_network(self, name: str) -> None:
        """Select a network in the list."""
        self.networks.expect(name)
        self.show_view("networks")
        self.paint()

    # --- shells ---

    @work(exclusive=True, group="shell")
    async def action_full_shell(self) -> None:
        """A shell in the selected container, as large as the screen."""
        await self.go_to_shell()
        tab = self.containers_screen.detail.shell_tab
        if tab is not None and tab.current is not None:
            self.containers_screen.maximize(tab.current, container=False)
            tab.current.focus()
