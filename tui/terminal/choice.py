"""Which emulator panes stand on."""

from __future__ import annotations

from tui.terminal.emulator import Emulator


def new_emulator() -> Emulator:
    """The fast one where ``pip install boxdeck[fast]`` could bring it, otherwise the one that installs everywhere."""
    try:
        from tui.terminal.ghostty_emulator import GhosttyEmulator
    except (ImportError, OSError):  # there is no library, or none for this machine
        from tui.terminal.bittty_emulator import BitttyEmulator

        return BitttyEmulator()
    return GhosttyEmulator()
