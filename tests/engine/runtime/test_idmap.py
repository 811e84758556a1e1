"""Which file systems can show files with other owners."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runtime import idmap
from tests.engine.runtime.box import needs_root

pytestmark = [pytest.mark.vm, needs_root]


def test_the_kernels_own_file_systems_can_t_map_ids_and_ordinary_ones_can(tmp_path: Path) -> None:
    assert not idmap.can_idmap("/proc") and not idmap.can_idmap("/sys")
    assert not idmap.can_idmap("/nowhere/at/all")
    (tmp_path / "file").write_text("")
    assert idmap.can_idmap(str(tmp_path)) and idmap.can_idmap(str(tmp_path / "file"))


def test_a_file_system_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = idmap.can_idmap(str(tmp_path))
    monkeypatch.setattr(idmap, "_try", lambda path: pytest.fail(f"tried again: {path}"))
    assert idmap.can_idmap(str(tmp_path)) is first
