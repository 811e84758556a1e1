"""The engine, with the attacker's image."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.cgroups.manager import remove_parent
from tests.engine.attacks import inside
from tests.engine.attacks.victim import Victim

LEFT_OPEN = 70  # and the next two: numbers that nobody else takes


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


@pytest.fixture
def careless() -> Iterator[tuple[int, ...]]:
    """Folders and files of the host that a caller has open without CLOEXEC."""
    opened = (os.open("/", os.O_RDONLY | os.O_DIRECTORY), os.open("/etc/passwd", os.O_RDONLY), os.open("/", os.O_PATH))
    found = tuple(os.dup2(descriptor, LEFT_OPEN + number) for number, descriptor in enumerate(opened))
    for descriptor in opened:
        os.close(descriptor)
    yield found
    for descriptor in found:
        os.close(descriptor)


@pytest.fixture
def leaky(attacked: Engine, careless: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine whose launcher has inherited what a caller left open, and its shims with it."""

    real = subprocess.Popen

    def popen(*arguments: Any, pass_fds: tuple[int, ...] = (), **options: Any) -> object:
        return real(*arguments, pass_fds=(*pass_fds, *careless), **options)

    attacked.launcher.close()
    monkeypatch.setattr(subprocess, "Popen", popen)
    yield attacked
    attacked.launcher.close()
