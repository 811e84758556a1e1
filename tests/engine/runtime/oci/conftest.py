"""A runtime with a root file system to run on; nothing may be left of its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups.manager import remove_parent
from engine.images.layers import lower_directories
from tests.engine.runtime.oci.runtime import Runtime


@pytest.fixture
async def layer(engine: Engine) -> Path:
    return lower_directories(engine.paths, await engine.images.get("base"))[0]


@pytest.fixture
def runtime(tmp_path: Path, layer: Path) -> Iterator[Runtime]:
    made = Runtime(tmp_path, layer)
    yield made
    made("delete", "--force", "one")
    assert remove_parent(made.parent)
