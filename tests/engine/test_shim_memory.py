"""What every container costs for as long as it runs: its shim's memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import Engine
from engine.model import ContainerRequest
from engine.runtime import status

_SECONDS_TO_A_RECORDER = 1.5
_MOST_KIB = 1920  # 1.7 MiB, measured 2026-12-01


async def test_a_shim_has_little_memory_of_its_own(engine: Engine) -> None:
    """The first one shares its memory with the recorder, its child, so that its own seems to be less.

    The second one is what the launcher learns from. This was seen to fail with ``import pathlib, tempfile`` in
    `shim._serve`, and with a launcher that doesn't rehearse.
    """
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none")
    await engine.containers.run(request)
    await asyncio.sleep(_SECONDS_TO_A_RECORDER)
    await engine.containers.run(request)
    await asyncio.sleep(_SECONDS_TO_A_RECORDER)
    container = await engine.containers.run(request)
    await asyncio.sleep(_SECONDS_TO_A_RECORDER)
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    lines = Path(f"/proc/{found.shim_pid}/smaps_rollup").read_text().splitlines()
    own_kib = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    assert own_kib <= _MOST_KIB
