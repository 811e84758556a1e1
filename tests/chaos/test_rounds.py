"""Fifty rounds of chaos; ``make chaos`` plays a thousand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.__main__ import play
from tests.chaos.rounds import Chaos
from tests.conftest import fresh_command_line
from tests.registry import DockerRegistry

SEED = 20261129
ROUNDS = 50


@pytest.mark.slow
@pytest.mark.peer
def test_whoever_is_killed_nothing_acknowledged_is_lost_and_nothing_is_left(tmp_path: Path) -> None:
    """Slow: each round starts the command line several times and kills somebody in the middle of it."""
    registry = DockerRegistry(tmp_path / "registry")
    try:
        with fresh_command_line() as boxdeck:
            boxdeck.ok("run", "--rm", "base", "true")
            played = asyncio.run(play(Chaos(boxdeck, registry), SEED, range(ROUNDS)))
    finally:
        registry.close()
    assert [str(it) for it in played if it.failures] == []
    assert sum(bool(it.killed) for it in played) > ROUNDS / 2
