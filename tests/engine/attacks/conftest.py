"""The engine, with the attacker's image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups.manager import remove_parent
from tests.engine.attacks import inside
from tests.engine.attacks.victim import Victim


@pytest.fixture
async def attacked(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine that has the attacker's image."""
    await inside.ensure_image(engine, tmp_path_factory.getbasetemp())
    return engine


@pytest.fixture(params=["auto", "host"])
def userns(request: pytest.FixtureRequest) -> str:
    """With and without a user namespace: attacks must fail without its help."""
    return str(request.param)


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    """boxdeck-oci; nothing may be left of its container."""
    made = Victim(tmp_path)
    yield made
    made("delete", "--force", "one")
    assert remove_parent(made.parent)
