"""How long things take, as medians: the command line, and a container from request to exit. ``make bench``."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine import Engine
from engine.model import ContainerRequest, NetworkMode
from tests.command_line import CommandLine

ROUNDS = 15


def report(what: str, seconds: list[float]) -> None:
    """One line: the median, and the quickest and the slowest."""
    low, middle, high = (1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    sys.stdout.write(f"{what:<44} {middle:7.1f} ms   ({low:.1f} to {high:.1f})\n")


def measure_commands(boxdeck: CommandLine) -> None:
    """Commands as a shell runs them."""
    for arguments in (
        ("version",),
        ("ps",),
        ("run", "--rm", "base", "true"),
        ("run", "--rm", "--network", "none", "base", "true"),
    ):
        seconds = []
        for _ in range(ROUNDS):
            before = time.perf_counter()
            boxdeck.ok(*arguments)
            seconds.append(time.perf_counter() - before)
        report(f"boxdeck {' '.join(arguments)}", seconds)


async def measure_engine(boxdeck: CommandLine) -> None:
    """The same inside a program whose engine is open: nothing of an interpreter's start is in it."""

    async def to_exit(engine: Engine, network: NetworkMode) -> None:
        session = await engine.containers.run_attached(
            ContainerRequest(image="base", command=("/bin/true",), network=network, auto_remove=True)
        )
        await session.wait()

    async with Engine.open(str(boxdeck.paths.root), str(boxdeck.paths.runroot)) as engine:
        for network in ("none", "bridge"):
            await measure(f"engine: run to exit and removed, {network}", lambda n=network: to_exit(engine, n))


async def measure(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do something several times, once unmeasured."""
    seconds = []
    for _ in range(ROUNDS + 1):
        before = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - before)
    report(what, seconds[1:])


def main() -> None:
    """Measure on a root of our own."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-bench-"))
    boxdeck = CommandLine(folder)
    try:
        boxdeck.ok("run", "--rm", "base", "true")
        measure_commands(boxdeck)
        asyncio.run(measure_engine(boxdeck))
    finally:
        boxdeck.ok("system", "reset", "--force")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
