"""What containers leave outside the store: nothing, a moment after their end."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from engine import Engine

_PATIENCE_SECONDS = 5.0  # the kernel takes network namespaces down in its own time


async def traces(engine: Engine) -> list[str]:
    """Folders, cgroups, links and mounts of containers that are still there after a while."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := _traces(engine)) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return found


def _traces(engine: Engine) -> list[str]:
    paths = engine.paths
    found = [str(p) for p in (paths.root / "containers").glob("*")]
    found += [str(p) for p in (paths.runroot / "containers").glob("*")]
    top = Path("/sys/fs/cgroup")
    found += [str(p) for p in [*top.glob(f"{paths.cgroup_name}/*/"), *top.glob(f"*/{paths.cgroup_name}/*/")]]
    found += [name for name in os.listdir("/sys/class/net") if name.startswith(f"bd{paths.tag[:3]}")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(paths.root) in line]
    return found
