"""The app: it ties screens, the engine's news and keys together, and does little else."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.geometry import Size

from engine.errors import BoxdeckError
from engine.model import Container
from tui import keys, messages, themes
from tui.commands import Commands
from tui.config import Config
from tui.deck import Deck
from tui.live import Live
from tui.operations import Operations
from tui.screens.confirm import Confirm
from tui.screens.containers import ContainersScreen
from tui.screens.help import Help
from tui.screens.live_screen import LiveScreen
from tui.screens.namespaces import NamespacesScreen
from tui.screens.run_form import RunForm
from tui.screens.topology import TopologyScreen
from tui.theming import Theming

if TYPE_CHECKING:
    from engine.engine import Engine


class BoxdeckApp(App[None]):
    """Boxdeck on a terminal.

    Args:
        engine: is open, and stays so until the app has ended.
        config: a person's settings.

    Attributes:
        deck: what is known at this moment.
    """

    TITLE = "boxdeck"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {Commands}
    BINDINGS = keys.BINDINGS
    CSS_PATH: ClassVar = ["app.tcss", "screens/containers.tcss"]  # the default screen's isn't loaded by itself
    ESCAPE_TO_MINIMIZE = False

    def __init__(self, engine: Engine, config: Config) -> None:
        super().__init__()
        self.deck = Deck()
        self._config = config
        self._operations = Operations(engine, self.deck, self._deck_changed)
        self._live = Live(engine, self.post_message, self._namespaces_in_sight)
        self.theming = Theming(self, config.theme)
        self.theming.load()
        self._screens: dict[str, LiveScreen] = {
            "containers": ContainersScreen(self.deck),
            "topology": TopologyScreen(self.deck),
            "namespaces": NamespacesScreen(self.deck),
        }

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Boxdeck's own variables, for themes that don't know them."""
        return themes.FALLBACK_VARIABLES

    def get_default_screen(self) -> LiveScreen:
        """The screen that lies below all others."""
        return self._screens["containers"]

    def on_mount(self) -> None:
        """Keys, and the loops that carry news."""
        self.theming.say_all()
        self.set_keymap(self._config.keymap)
        for name, loop in self._live.loops().items():
            self.run_worker(loop(), name=name, group="live")
        self.run_worker(self.theming.follow(), name="themes", group="live")

    # --- news ---

    def on_containers_read(self, message: messages.ContainersRead) -> None:
        """Another list of containers."""
        self.deck.take_containers(message.containers)
        self._deck_changed()

    def on_sampled(self, message: messages.Sampled) -> None:
        """One tick."""
        self.deck.take_snapshot(message.snapshot)
        self._deck_changed()

    def on_topology_read(self, message: messages.TopologyRead) -> None:
        """Another wiring."""
        self.deck.topology = message.topology
        self._deck_changed()

    def on_namespaces_read(self, message: messages.NamespacesRead) -> None:
        """Other namespaces or processes."""
        self.deck.namespaces = message.tree
        self._deck_changed()

    def on_namespaces_wanted(self) -> None:
        """Read them now instead of soon."""
        self._live.hurry()

    def on_engine_failed(self, message: messages.EngineFailed) -> None:
        """Say why numbers stand still."""
        self.complain(message.error)

    def on_logs_wanted(self, message: messages.LogsWanted) -> None:
        """Follow another container's logs."""
        if message.container_id is None:
            message.view.clear()
        else:
            message.view.show(self._operations.logs(message.container_id))

    @property
    def _screen_in_sight(self) -> LiveScreen | None:
        """The topmost full screen; dialogs may lie above it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, LiveScreen)), None)

    def _deck_changed(self) -> None:
        if screen := self._screen_in_sight:
            screen.post_message(messages.DeckChanged())

    def _namespaces_in_sight(self) -> bool:
        screen = self._screen_in_sight
        return screen is not None and screen.is_mounted and screen.shows_namespaces

    def complain(self, error: BoxdeckError) -> None:
        """Show a failure as one sentence."""
        self.notify(str(error), severity="error", timeout=8, markup=False)

    # --- views ---

    @property
    def containers_screen(self) -> ContainersScreen:
        """The main screen."""
        screen = self._screens["containers"]
        assert isinstance(screen, ContainersScreen)
        return screen

    def action_go(self, name: str) -> None:
        """Show a screen."""
        wanted = self._screens[name]
        if self.screen is wanted:
            wanted = self._screens["containers"]
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if wanted is not self.containers_screen:
            self.push_screen(wanted)
        self._live.hurry()

    def action_logs(self) -> None:
        """The logs of the selected container."""
        self.action_go_to_containers()
        self.containers_screen.detail.tab = "logs"

    def action_go_to_containers(self) -> None:
        """The main screen."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_help(self) -> None:
        """Every key."""
        bindings = [active.binding for active in self.screen.active_bindings.values()]
        self.push_screen(Help(bindings))

    async def action_quit(self) -> None:
        """Leave; containers keep running."""
        self.exit()

    # --- containers ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim keys that mean nothing for the selected container."""
        container = self.deck.selected
        if action in keys.NEEDS_RUNNING:
            return True if container is not None and container.is_running else None
        if action in keys.NEEDS_ENDED:
            return True if container is not None and not container.is_running else None
        return True if action not in keys.NEEDS_ANY or container is not None else None

    @work
    async def action_run(self) -> None:
        """Ask what to run."""
        container = await self.push_screen_wait(RunForm(self._operations.image_names, self._operations.run))
        if container is not None:
            self.deck.expect(container.id)
            self._live.hurry()

    def action_stop(self) -> None:
        """Stop the selected container."""
        if container := self.deck.selected:
            self._do(self._operations.stop(container))

    def action_start(self) -> None:
        """Start the selected container."""
        if container := self.deck.selected:
            self._do(self._operations.start(container))

    def action_restart(self) -> None:
        """Restart the selected container."""
        if container := self.deck.selected:
            self._do(self._operations.restart(container))

    @work
    async def action_remove(self) -> None:
        """Remove the selected container, if that is really meant."""
        container = self.deck.selected
        if container is not None and await self.push_screen_wait(_removal(container)):
            await self._guard(self._operations.remove(container))

    @work
    async def action_shell(self) -> None:
        """A shell in the selected container, or the one that is open already."""
        container = self.deck.selected
        if container is None:
            return
        self.action_go_to_containers()
        detail = self.containers_screen.detail
        if detail.return_to_shell():
            return
        try:
            session = await self._operations.shell(container, self._config.shell, *_rows_and_columns(detail.size))
        except BoxdeckError as error:
            self.complain(error)
        else:
            await detail.open_shell(session, container.id, container.name)

    def _do(self, work: Awaitable[None]) -> None:
        self.run_worker(self._guard(work), group="operations", exit_on_error=False)

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BoxdeckError as error:
            self.complain(error)
        self.containers_screen.detail.forget_logs()
        self._live.hurry()

    def action_next_theme(self) -> None:
        """Other colours."""
        self.theming.wear_next()


def _removal(container: Container) -> Confirm:
    sentence = "Everything that was written in it is removed with it."
    if container.is_running:
        sentence = f"It is running: its processes will be killed. {sentence}"
    return Confirm(f"remove {container.name}", sentence, "kill and remove it" if container.is_running else "remove it")


def _rows_and_columns(size: Size) -> tuple[int, int]:
    return max(2, size.height), max(10, size.width)
