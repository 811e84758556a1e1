"""Another process looks at the machine, once, and doesn't outlive who asked."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine.paths import Paths
from engine.preflight import apart
from engine.preflight.part import Verdict


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


async def test_what_is_known_is_kept_until_it_is_asked_for_anew(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root", tmp_path / "run")
    paths.make_private()
    before = children()
    asked = asyncio.ensure_future(apart.examine(paths))
    while children() == before:
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert children() == before and not (paths.runroot / "preflight.json").exists()
    (paths.runroot / "preflight.json").write_text("[]")
    assert await apart.examine(paths) == ()
    parts = await apart.examine(paths, again=True)
    assert {"root", "overlay", "nftables"} <= {part.name for part in parts} and "terminal" not in str(parts)
    assert not any(part.verdict is Verdict.MISSING for part in parts)
    assert await apart.examine(paths) == parts
