"""The host screen's check, on a real engine: found, shown, mended."""

from __future__ import annotations

import pytest

from engine import Engine
from tests.tui.driving import desk

pytestmark = pytest.mark.alone


async def test_disorder_is_shown_and_mended(engine: Engine) -> None:
    orphan = engine.paths.container("f" * 64)
    async with desk(engine, size=(80, 24)) as at:
        await at.press("H", "c")
        await at.see("everything is in order", "esc closes")
        await at.press("escape")
        orphan.mkdir()
        await at.press("c")
        await at.see("ffffffffffff…", "repair deletes it", "r repairs")
        assert orphan.exists()
        await at.press("r")
        await at.see("✓ deletes it")
        assert not orphan.exists()
        await at.press("r")
        await at.see("everything is in order")
        await at.press("escape")
        await at.see("control groups")
