"""Every emulator that there is here."""

from __future__ import annotations

from importlib.util import find_spec

from tui.terminal.bittty_emulator import BitttyEmulator
from tui.terminal.emulator import Emulator

EMULATORS: list[type[Emulator]] = [BitttyEmulator]

if find_spec("pyghostty") is not None:
    from tui.terminal.ghostty_emulator import GhosttyEmulator

    EMULATORS.append(GhosttyEmulator)
