"""A machine of its own for every test: a network namespace that plays the host, and others that play containers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.linux import namespaces
from engine.network import loopback
from engine.network.networks import Networks
from engine.paths import Paths
from engine.store.database import Database
from tests.engine.network.boxes import Box
from tests.engine.network.neighbourhood import Neighbourhood


@pytest.fixture
def machine() -> Iterator[None]:
    """The test runs in a network namespace of its own, so that the real host stays untouched."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.unshare(namespaces.CLONE_NEWNET)
    try:
        loopback.bring_up()
        yield
    finally:
        namespaces.setns(home, namespaces.CLONE_NEWNET)
        os.close(home)


@pytest.fixture
def box(machine: None) -> Iterator[Callable[[], Box]]:
    """Makes boxes and ends them with the test."""
    with ExitStack() as stack:

        def make() -> Box:
            made = Box()
            stack.callback(made.end)
            return made

        yield make


@pytest.fixture
def engine_on(tmp_path: Path) -> Iterator[Callable[..., Networks]]:
    """Networks of an engine on a root of that name, with its containers' rows made on demand."""
    with ExitStack() as stack:

        def make(name: str = "root") -> Networks:
            paths = Paths.resolve(str(tmp_path / name), str(tmp_path / f"{name}.run"))
            database = Database(paths.database)
            stack.callback(database.close)
            return Networks(paths, database)

        yield make


@pytest.fixture
def around(box: Callable[[], Box], engine_on: Callable[..., Networks]) -> Iterator[Neighbourhood]:
    """Networks with containers on them, and a neighbour on the host's LAN."""
    with ExitStack() as stack:
        yield Neighbourhood(engine_on(), box, stack)
