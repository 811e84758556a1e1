"""Whatever keys are pressed, on whatever size of screen: the app lives, answers soon, and finds its way back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from engine import Engine

SECONDS = 15
SLOWEST_SECONDS = 10.0
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 18])
async def test_keys_at_random_end_in_no_failure(engine: Engine, tmp_path: Path, seed: int) -> None:
    """Slow: it takes some hundreds of keys. In a process of its own, whose folder gets what the keys write."""
    folders = (str(engine.paths.root), str(engine.paths.runroot))
    monkey = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.tui.monkey", *folders, str(seed), str(SECONDS)),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await monkey.communicate()
    outcome = json.loads(said)
    assert not outcome["wrong"], (outcome["keys"][-20:], outcome["wrong"])
    assert len(outcome["keys"]) > 20
    assert outcome["slowest_seconds"] < SLOWEST_SECONDS
