"""Credentials of a test's own and nobody else's, and registries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.images.conftest import Layout
from tests.registry import DockerRegistry

MakeRegistry = Callable[..., DockerRegistry]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without anything in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "BOXDECK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setattr("engine.registry.transport._FIRST_PAUSE_SECONDS", 0.01)
    return folder


@pytest.fixture
def docker_registry(tmp_path: Path) -> Iterator[MakeRegistry]:
    started: list[DockerRegistry] = []

    def start(**options: bool) -> DockerRegistry:
        started.append(DockerRegistry(tmp_path / f"registry{len(started)}", **options))
        return started[-1]

    yield start
    for registry in started:
        registry.close()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")
