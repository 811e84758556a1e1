"""A start that a restart policy has put off, made when its time has come: ``python -m engine.restarting``.

The shim of the run that has ended executes this. Nothing depends on its being alive: every engine looks for starts
that are overdue, and has them made likewise.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

from engine.errors import BoxdeckError
from engine.paths import Paths


def command(paths: Paths, container_id: str, delay_seconds: float = 0.0) -> tuple[str, ...]:
    """What to execute; the program comes first."""
    where = (str(paths.root), str(paths.runroot))
    return (sys.executable, "-I", "-m", "engine.restarting", *where, container_id, str(delay_seconds))


def spawn(paths: Paths, container_id: str, delay_seconds: float = 0.0) -> None:
    """Have it made by a process that outlives this one."""
    subprocess.Popen(
        command(paths, container_id, delay_seconds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


async def restart(root: str, runroot: str, container_id: str, delay_seconds: str) -> None:
    """Start a container whose restart is due, unless somebody was faster or has called it off."""
    from engine.engine import Engine

    await asyncio.sleep(float(delay_seconds))
    async with Engine.open(root, runroot, makes_overdue_starts=False) as engine:
        await engine.containers.restart_due(container_id)


def main() -> None:
    """Run as a program; what goes wrong is in the container's record."""
    try:
        asyncio.run(restart(*sys.argv[1:5]))
    except BoxdeckError:
        sys.exit(1)


if __name__ == "__main__":
    main()
