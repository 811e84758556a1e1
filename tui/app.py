"""The app: it ties screens, the engine's news and keys together, and does little else."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, ClassVar

from textual import events

from engine.config.model import Config
from tui import keys, messages, themes
from tui.garbage import Garbage
from tui.machine_actions import MachineActions
from tui.past_runs import PastRuns
from tui.place import Keeper
from tui.screens.live_screen import LiveScreen
from tui.settings import LiveSettings
from tui.theming import Theming
from tui.widgets.pane_keys import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from engine.engine import Engine
    from tui.commands import Commands


_LEADER_SECONDS = 2.0

_CALM_SECONDS, _READY_SECONDS = 0.3, 2.0

_SWITCH_SECONDS = 0.0005
"""How long the thread that reads keys waits for this one when there is much to do; Python's 5 ms come several times
for each key."""

# What isn't needed for the first frame is imported at its first use: it costs start-up time.


def _commands() -> type[Commands]:
    from tui.commands import Commands

    return Commands


def _import_what_comes_next() -> None:
    import tui.terminal.log_looks  # noqa: F401
    from tui.widgets import sides

    sides.import_all()


class BoxdeckApp(MachineActions):
    """Boxdeck on a terminal.

    Args:
        engine: is open, and stays so until the app has ended.
        config: a person's settings.
        state: the folder that keeps where a person was, and what was run; None for nothing of the kind.
    """

    TITLE = "boxdeck"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {_commands}
    BINDINGS = keys.BINDINGS
    CSS_PATH: ClassVar = ["app.tcss", "screens/containers.tcss"]  # the default screen's isn't loaded by itself
    ESCAPE_TO_MINIMIZE = False

    def __init__(self, engine: Engine, config: Config, state: Path | None = None) -> None:
        super().__init__(engine, config)
        self.runs = PastRuns(state / "runs.json" if state else None)
        place = state / "place.json" if state else None
        self.keeper = Keeper(place, self.deck, self.containers_screen.detail, lambda: self.view)
        self.pane_keys = SHIPPED
        self.settings = LiveSettings(self, config)
        self.theming = Theming(self, config.theme)
        self.theming.load()
        self.garbage = Garbage()
        self._led_at = -_LEADER_SECONDS

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Boxdeck's own variables, for themes that don't know them."""
        return themes.FALLBACK_VARIABLES

    def refresh_css(self, animate: bool = True) -> None:
        """Look all styles up in other colours; before there is a screen, none has been looked up."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> LiveScreen:
        """The screen that lies below all others."""
        return self.containers_screen

    def on_mount(self) -> None:
        """Keys, and the loops that carry news."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.theming.say_all()
        self.settings.begin()
        for name, loop in self.live.loops().items():
            self.run_worker(loop(), name=name, group="live")
        self.run_worker(self.keeper.follow(), name="place", group="live")
        if self.keeper.place.view != self.view:
            self.action_go(self.keeper.place.view)
        self.call_after_refresh(self.settings.say_all)
        self.run_worker(self.look_at_machine(), name="preflight", group="live")
        self.run_worker(self.garbage.follow(), name="garbage", group="live")
        self.run_worker(self._follow_files(), name="files", group="live")

    def post_display_hook(self) -> None:
        """After each frame."""
        if self.deck.containers is not None:
            self.live.note_frame()

    async def _follow_files(self) -> None:
        """Once there is something to see: what watches files takes time to import."""
        await self.live.shown()
        await asyncio.sleep(_CALM_SECONDS)
        self.run_worker(self.theming.follow(), name="themes", group="live")
        self.run_worker(self.settings.follow(), name="settings", group="live")
        self.run_worker(self._make_ready(), name="imports", group="live")

    async def _make_ready(self) -> None:
        """A first look at another side, or a first coloured line of a log, isn't to wait for imports either."""
        await asyncio.sleep(_READY_SECONDS)
        await asyncio.to_thread(_import_what_comes_next)

    async def on_event(self, event: events.Event) -> None:
        """Whoever presses keys isn't to wait for what can be done in a pause."""
        if isinstance(event, events.InputEvent):
            self.garbage.touch()
            self.deck.touch()
        await super().on_event(event)

    # --- news ---

    def on_containers_read(self, message: messages.ContainersRead) -> None:
        """Another list of containers."""
        self.deck.take_containers(message.containers)
        self.paint()

    def on_sampled(self, message: messages.Sampled) -> None:
        """One tick."""
        self.deck.take_snapshot(message.snapshot)
        self.paint()

    def on_app_blur(self) -> None:
        """Another window has the focus, or nobody sees the terminal: it tells both alike."""
        self.live.watch(False)

    def on_app_focus(self) -> None:
        """Somebody looks again."""
        self.live.watch(True)
        self.live.hurry()

    def on_happened(self, message: messages.Happened) -> None:
        """Events; some are worth a sentence at once."""
        if not message.is_news:
            self.deck.events.clear()
            self.deck.events.extend(message.events)
            return
        for event in message.events:
            if event.kind == "image":
                self.images.expire()
            if event.kind == "network":
                self.networks.expire()
            if sentence := self.deck.take_event(event):
                self.notify(sentence, severity="error" if event.action == "oom" else "warning", markup=False)
        self.paint()

    def on_topology_read(self, message: messages.TopologyRead) -> None:
        """Another wiring."""
        self.deck.topology = message.topology
        self.paint()

    def on_namespaces_read(self, message: messages.NamespacesRead) -> None:
        """Other namespaces or processes."""
        self.deck.namespaces = message.tree
        self.deck.every_namespace = message.every or self.deck.every_namespace
        self.paint()

    def on_sight_changed(self) -> None:
        """Read them now instead of soon."""
        self.live.hurry()

    def on_engine_failed(self, message: messages.EngineFailed) -> None:
        """Say why numbers stand still."""
        self.complain(message.error)

    def on_logs_wanted(self, message: messages.LogsWanted) -> None:
        """Follow another container's logs."""
        names = {each: self.deck.names[each] for each in message.container_ids if each in self.deck.names}
        if not names:
            message.view.clear()
            return
        message.view.show(self.operations.logs(names, message.since_unix_ns))
        if message.since_unix_ns is not None:
            message.view.begin_at_start()

    # --- views ---

    @property
    def view(self) -> str:
        """The name of the full screen that is shown."""
        screen = self._screen_in_sight
        return screen.HERE if screen is not None else self.containers_screen.HERE

    def action_go(self, name: str) -> None:
        """Show a screen; the one that is shown already goes away again."""
        is_shown = isinstance(self.screen, LiveScreen) and name == self.screen.HERE
        self.return_to_containers()
        if not is_shown and (wanted := self._made(name)) is not None:
            self.push_screen(wanted)
        self.live.hurry()

    def _made(self, name: str) -> LiveScreen | None:
        """A screen that lies above that of the containers."""
        if name == "images":
            from tui.screens.images import ImagesScreen

            return ImagesScreen(self.deck, self)
        if name == "volumes":
            from tui.screens.volumes import VolumesScreen

            return VolumesScreen(self.deck, self)
        if name == "networks":
            from tui.screens.networks import NetworksScreen

            return NetworksScreen(self.deck, self)
        return self._made_of_readings(name)

    def _made_of_readings(self, name: str) -> LiveScreen | None:
        if name == "topology":
            from tui.screens.topology import TopologyScreen

            return TopologyScreen(self.deck)
        if name == "namespaces":
            from tui.screens.namespaces import NamespacesScreen

            return NamespacesScreen(self.deck)
        if name == "host":
            from tui.screens.host import HostScreen

            return HostScreen(self.deck)
        return None

    def action_help(self) -> None:
        """Every key."""
        from tui.screens.help import Help

        bindings = [active.binding for active in self.screen.active_bindings.values()]
        self.push_screen(Help(bindings))

    async def action_quit(self) -> None:
        """Leave; containers keep running. Who has just meant to leave a shell doesn't leave all of it."""
        if time.monotonic() - self._led_at < _LEADER_SECONDS:
            self._led_at = -_LEADER_SECONDS
            words = f"No shell has the keys here: {self.key_of('app.quit')} once more leaves boxdeck."
            self.notify(words, severity="warning", markup=False)
            return
        self.keeper.look()
        self.exit()

    def action_leader(self) -> None:
        """What leads to a shell's keys means nothing here; what is pressed after it is meant for a shell, too."""
        self._led_at = time.monotonic()

    def action_next_theme(self) -> None:
        """Other colours."""
        self.theming.wear_next()
