"""An app that tells what its machine lacks, and what it did itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.config.model import Config
from engine.errors import BoxdeckError
from engine.preflight.part import Part, Verdict
from tui.command_log import CommandLog, noting
from tui.object_actions import ObjectActions

if TYPE_CHECKING:
    from engine.engine import Engine
    from tui.pulls import Pull

_CALM_SECONDS = 3.0
"""The first pictures are worth more than what a machine lacks; who looks at it is a process with much to try."""


class MachineActions(ObjectActions):
    """What keys tell of the machine and of the app.

    Attributes:
        command_log: what was asked of the engine.
    """

    def __init__(self, engine: Engine, config: Config) -> None:
        self.command_log = CommandLog(lambda id: self.deck.names.get(id, id))
        self._machine = engine
        super().__init__(noting(engine, self.command_log), config)

    # --- what the machine lacks ---

    async def look_at_machine(self) -> None:
        """Tell what is missing, once it is known; what nothing goes without comes up by itself."""
        await asyncio.sleep(_CALM_SECONDS)
        try:
            parts = await self._examine(again=False)
        except BoxdeckError as error:
            self.complain(error)
            return
        if any(part.verdict is Verdict.MISSING for part in parts):
            self.action_preflight()
        elif any(part.verdict is Verdict.LIMITED for part in parts):
            from tui.drawing.preflight import summary  # at its first use: it costs start-up time

            words = f"This machine has limits: {summary(parts)}. {self.key_of('app.preflight')} tells how to mend them."
            self.notify(words, severity="warning", timeout=10, markup=False)

    async def _examine(self, again: bool) -> tuple[Part, ...]:
        return await self._machine.preflight(again)

    def action_preflight(self) -> None:
        """What this machine has, and what it lacks."""
        from tui.screens.preflight import Preflight  # at its first use: it costs start-up time

        self.push_screen(Preflight(self._examine))

    # --- what the app did ---

    def complain(self, error: BoxdeckError) -> None:
        """Show a failure as one sentence, and keep all that is known of it."""
        self.command_log.complain(error)
        words = f"{error}\n{self.key_of('app.log')} tells more"
        self.notify(words, severity="error", timeout=8, markup=False)

    def _pull_ended(self, pull: Pull) -> None:
        self.command_log.pulled(pull.reference, pull.error)
        super()._pull_ended(pull)

    def action_command_log(self) -> None:
        """What was done, and what failed."""
        from tui.screens.command_log import CommandLogScreen  # at its first use: it costs start-up time

        self.push_screen(CommandLogScreen(self.command_log))
