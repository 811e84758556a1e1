"""Which emulator a pane gets."""

from __future__ import annotations

import sys

import pytest

from tests.tui.emulators import EMULATORS
from tui.terminal.bittty_emulator import BitttyEmulator
from tui.terminal.choice import new_emulator


def test_the_fastest_that_is_installed() -> None:
    assert type(new_emulator()) is EMULATORS[-1]


def test_where_the_fast_one_cannot_be_loaded_the_other_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("pyghostty", "tui.terminal.ghostty"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyghostty", None)
    assert type(new_emulator()) is BitttyEmulator
