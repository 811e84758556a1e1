"""Bundles for tests of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.runtime.box import Bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    tmp_path.chmod(0o755)
    return Bundle(tmp_path)
