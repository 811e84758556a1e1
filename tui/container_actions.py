"""An app whose keys act on the selected container."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING

from textual import events, work
from textual.app import App, SuspendNotSupported
from textual.geometry import Size

from engine.config.model import Config
from engine.errors import BoxdeckError, CommandNotFound
from engine.model import Container
from tui import bulks, keys, messages, questions
from tui.backfill import Backfill
from tui.deck import Deck
from tui.drawing import units
from tui.live import Live, Sight
from tui.messages import ShellPlace, ShellWanted
from tui.operations import Operations
from tui.past_runs import PastRuns
from tui.readings import Readings
from tui.screens.confirm import Confirm
from tui.screens.containers import ContainersScreen
from tui.screens.live_screen import LiveScreen

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.session import Session

_LOOKS, _LOOK_SECONDS = 100, 0.02
_WANT_A_TERMINAL = frozenset({"shell", "full_shell", "shell_beside", "attach"})


class ContainerActions(App[None]):
    """What keys do to containers; failures become a sentence on the screen.

    Attributes:
        deck: what is known at this moment.
        operations: the engine's verbs.
        runs: what was run from the form.
        live: the engine's news.
        containers_screen: the main screen, which lies below all others.
    """

    def __init__(self, engine: Engine, config: Config) -> None:
        super().__init__()
        self.config = config
        self.deck = Deck()
        self.readings = self.deck.readings = Readings(engine, self._beside, self.paint)
        self.deck.backfill = Backfill(self.deck.history, engine.containers.history, self._beside, self.paint)
        self.operations = Operations(engine, self.deck, self.paint)
        self.runs = PastRuns()
        self.live = Live(engine, self.post_message, self._namespaces_in_sight, self._topology_in_sight)
        self.containers_screen = ContainersScreen(self.deck)

    def complain(self, error: BoxdeckError) -> None:
        """Show a failure as one sentence."""
        self.notify(str(error), severity="error", timeout=8, markup=False)

    @property
    def _screen_in_sight(self) -> LiveScreen | None:
        """The topmost full screen; dialogs may lie above it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, LiveScreen)), None)

    def paint(self) -> None:
        """Show what the deck holds now."""
        if screen := self._screen_in_sight:
            screen.post_message(messages.DeckChanged())

    def _beside(self, work: Coroutine[object, object, None]) -> None:
        """Run something that nobody waits for."""
        self.run_worker(work, group="readings")

    def _namespaces_in_sight(self) -> Sight:
        screen = self._screen_in_sight
        return screen.shows_namespaces if screen is not None and screen.is_mounted and self.app_focus else Sight.NONE

    def _topology_in_sight(self) -> bool:
        screen = self._screen_in_sight
        return screen is not None and screen.is_mounted and self.app_focus and screen.shows_topology

    def return_to_containers(self) -> None:
        """Show the main screen."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    # --- what keys do ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim keys that mean nothing for the selected container."""
        container, screen = self.deck.selected, self._screen_in_sight
        if action in keys.ON_CONTAINERS and screen is not None and not screen.ACTS_ON_CONTAINERS:
            return False
        if self.deck.marked and action in bulks.BULKS:
            return True
        if action in keys.NEEDS_RUNNING:
            return True if container is not None and container.is_running else None
        if action in keys.NEEDS_ENDED:
            return True if container is not None and not container.is_running else None
        return True if action not in keys.NEEDS_ANY or container is not None else None

    async def on_key(self, event: events.Key) -> None:
        """Say why a key means nothing for the selected container, instead of nothing; or offer what it needs."""
        active = self.screen.active_bindings.get(event.key)
        if self.screen.is_modal or active is None or active.node is not self or active.enabled:
            return  # it means something, or nothing to anybody
        container, action = self.deck.selected, active.binding.action
        if container is not None and action in _WANT_A_TERMINAL:
            self._offer_start(container, action)
        else:
            words = questions.why_not(action, container, self.key_of)
            self.notify(words, severity="warning", markup=False)

    @work(group="operations")
    async def _offer_start(self, container: Container, action: str) -> None:
        """Start a container that somebody wants to work in, if that is really meant."""
        if not await self.push_screen_wait(questions.starting(container)):
            return
        await self._guard(self.operations.start(container))
        if await self._comes(lambda: self._is_selected_and_runs(container.id)):
            await self.run_action(action)

    def _is_selected_and_runs(self, container_id: str) -> bool:
        selected = self.deck.selected
        return selected is not None and selected.id == container_id and selected.is_running

    async def _comes(self, holds: Callable[[], bool]) -> bool:
        """Whether something soon holds, of what the next list of containers tells."""
        for _ in range(_LOOKS):
            if holds():
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def key_of(self, id: str) -> str:
        """A key that does something on every screen, as it is now."""
        from tui.key_names import key_name
        from tui.keymaps import keymap_of
        from tui.keys import BINDINGS

        shipped = next((each.key for each in BINDINGS if not isinstance(each, tuple) and each.id == id), "")
        return key_name(keymap_of(self.config.keys).get(id, shipped).split(",")[0])

    def action_run(self) -> None:
        """Ask what to run."""
        self.run_form()

    @work
    async def run_form(self, image: str = "") -> None:
        """Ask what to run, or how to run an image."""
        from tui.screens.run_form import RunForm  # at its first use: it knows the whole command line

        started = await self.push_screen_wait(RunForm(self.operations, self.runs, image))
        if started is None:
            return
        container, session = started
        self.deck.expect(container.id)
        self.live.hurry()
        for warning in (*container.warnings, *self.operations.obstacles(container)):
            self.notify(warning, severity="warning", markup=False)
        if session is not None:
            await self._show_terminal(session, container)

    async def _show_terminal(self, session: Session, container: Container) -> None:
        """Have a container's own terminal in sight once it is listed: panes of those that aren't are closed."""
        await self._comes(lambda: self.deck.selected_id == container.id)
        self.return_to_containers()
        self.containers_screen.paint_all()
        await self.containers_screen.detail.open_shell(session, container, ShellPlace.TAB, joined=True)

    @work
    async def action_update(self) -> None:
        """Ask which limits the selected container shall have."""
        from tui.screens.update_form import UpdateForm  # at its first use: it costs start-up time

        container = self.deck.selected
        if container is None:
            return
        try:
            in_force = await self.operations.limits(container)
        except BoxdeckError as error:
            self.complain(error)
            return
        form = UpdateForm(container, in_force, partial(self.operations.update, container))
        if await self.push_screen_wait(form) is not None:
            self.readings.expire()
            self.live.hurry()

    @work
    async def action_ports(self) -> None:
        """Ask which ports of the selected container are to be published, or withdrawn."""
        from tui.screens.port_form import PortForm  # at its first use: it costs start-up time

        container = self.deck.selected
        if container is None:
            return
        warnings = await self.push_screen_wait(PortForm(container, partial(self.operations.change_ports, container)))
        if warnings is not None:
            self.live.hurry()
            for sentence in warnings:
                self.notify(sentence, severity="warning", markup=False)

    @work
    async def action_rename(self) -> None:
        """Ask what the selected container is to be called."""
        from tui.screens.rename_form import RenameForm  # at its first use: it costs start-up time

        if container := self.deck.selected:
            await self.push_screen_wait(RenameForm(container.name, partial(self.operations.rename, container)))
            self.live.hurry()

    @work
    async def action_copy(self) -> None:
        """Ask what to copy into the selected container, or out of it."""
        from tui.screens.copy_form import CopyForm  # at its first use: it costs start-up time

        container = self.deck.selected
        if container is None:
            return
        copied = await self.push_screen_wait(CopyForm(container.name, self.operations.copy))
        if copied is not None:
            self.notify(f"{copied.words} copied, {units.size(copied.size_bytes)}")
            for sentence in copied.left_out:
                self.notify(sentence, severity="warning", markup=False)
            self.live.hurry()

    def action_stop(self) -> None:
        """Stop the selected container, or those that are marked."""
        self._act("stop")

    def action_start(self) -> None:
        """Start the selected container, or those that are marked."""
        self._act("start")

    def action_restart(self) -> None:
        """Restart the selected container, or those that are marked."""
        self._act("restart")

    def action_pause(self) -> None:
        """Freeze the selected container, or let it go on; likewise those that are marked."""
        self._act("pause")

    def action_kill(self) -> None:
        """Kill the selected container, or those that are marked, if that is really meant."""
        self._act("kill")

    def action_remove(self) -> None:
        """Remove the selected container, or those that are marked, if that is really meant."""
        self._act("remove")

    @work(group="operations")
    async def _act(self, verb: str) -> None:
        """Do something to what is marked, after a question, or to the selected container."""
        targets, verbs = self.deck.targets, self.operations.verbs
        if not targets:
            return
        if self.deck.marked:
            bulk = bulks.wanted(verb, targets)
            marked, targets = targets, bulks.suitable(bulk, targets)
            left_out = [each for each in marked if each not in targets]
            if not targets:
                self.notify(bulks.refusal(bulk, left_out), severity="warning", markup=False)
                return
            title = f"{bulk.verb} {len(targets)} marked"
            sentence = bulks.question(bulk, targets, left_out)
            if not await self.push_screen_wait(Confirm(title, sentence, f"{bulk.verb} them", loses=bulk.loses)):
                return
            self.deck.marked.clear()
        elif (question := await self._question(verb, targets[0])) and not await self.push_screen_wait(question):
            return
        await bulks.at_once(self._guard(verbs[verb](each)) for each in targets)

    async def _question(self, verb: str, container: Container) -> Confirm | None:
        """What is asked before one container loses something; None for what loses nothing."""
        if verb == "kill":
            return questions.killing(container)
        if verb == "remove":
            return questions.removal(container, await self.operations.written_bytes(container))
        return None

    @work(exclusive=True, group="shell")
    async def action_shell(self) -> None:
        """A shell in the selected container, or those that are open already, here or left by an app before."""
        await self.go_to_shell()

    async def go_to_shell(self) -> None:
        """Have a shell of the selected container in sight, with the focus; a failure is told."""
        container, detail = self.deck.selected, self.containers_screen.detail
        if container is None:
            return
        self.return_to_containers()
        if detail.return_to_shell(container.id):
            return
        try:
            left = await self.operations.shells_left(container)
        except BoxdeckError as error:
            self.complain(error)
            return
        for session in left:
            await detail.open_shell(session, container, ShellPlace.TAB)
        if not left:
            await self._open_shell(container, ShellPlace.TAB)

    @work(exclusive=True, group="shell")
    async def action_shell_beside(self) -> None:
        """A shell in the selected container, beside those that were looked at last."""
        if container := self.deck.selected:
            self.return_to_containers()
            await self._open_shell(container, ShellPlace.BESIDE)

    @work(exclusive=True, group="shell")
    async def on_shell_wanted(self, message: ShellWanted) -> None:
        """A further one."""
        for container in self.deck.containers or ():
            if container.id == message.container_id:
                await self._open_shell(container, message.place)

    async def _open_shell(self, container: Container, place: ShellPlace) -> None:
        detail = self.containers_screen.detail
        size = _rows_and_columns(detail.size)
        try:
            session = await self.operations.shell(container, self.config.shell, *size)
        except CommandNotFound as error:
            if self.config.shell:
                self.complain(error)
            elif await self.push_screen_wait(questions.debugging(container)):
                await self._debug(container, place)
        except BoxdeckError as error:
            self.complain(error)
        else:
            await detail.open_shell(session, container, place)

    async def _debug(self, container: Container, place: ShellPlace) -> None:
        try:
            session = await self.operations.debug(container)
        except BoxdeckError as error:
            self.complain(error)
        else:
            await self.containers_screen.detail.open_shell(session, container, place)

    @work(exclusive=True, group="shell")
    async def action_attach(self) -> None:
        """The selected container's own terminal."""
        container, detail = self.deck.selected, self.containers_screen.detail
        if container is None:
            return
        self.return_to_containers()
        if detail.return_to_shell(container.id, joined=True):
            return
        try:
            session = await self.operations.attach(container)
        except BoxdeckError as error:
            self.complain(error)
        else:
            await detail.open_shell(session, container, ShellPlace.TAB, joined=True)

    @work(exclusive=True, group="shell")
    async def action_visit(self) -> None:
        """A shell in the selected container's namespaces but not its cgroup, on the whole terminal."""
        container = self.deck.selected
        if container is None:
            return
        try:
            program = await self.operations.visit(container)
            with self.suspend():
                program.run()
        except SuspendNotSupported:
            program.close()
            self.notify("This terminal can't be lent to a shell.", severity="error")
        except BoxdeckError as error:
            self.complain(error)
        self.live.hurry()

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BoxdeckError as error:
            self.complain(error)
        self.containers_screen.detail.forget_logs()
        self.live.hurry()

    def action_logs(self) -> None:
        """The logs of the selected container; once they are in sight, their own keys."""
        self.return_to_containers()
        self.containers_screen.detail.show_logs()


def _rows_and_columns(size: Size) -> tuple[int, int]:
    return max(2, size.height), max(10, size.width)
