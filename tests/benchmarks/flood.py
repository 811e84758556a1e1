"""What a container that writes without rest costs: its shim, whoever reads, and a container beside it.

``python -m tests.benchmarks.flood [MEGABYTES]``: as one line that ends in half a character, and as lines of 70 bytes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from engine import Engine
from engine.log_lines import LINE_LIMIT
from engine.model import Container, ContainerRequest, ExecRequest
from engine.runtime import status

MEGABYTES = 200
SHAPES = {
    "one line": "head -c {size} /dev/zero | tr '\\0' x; printf '\\303'",
    "lines": "yes {line} | head -c {size}; printf '\\303'".replace("{line}", "0123456789" * 7),
}
_WAIT = "read go; "
_STAY = "; read stay"
_EXECS = 15
_TICKS = os.sysconf("SC_CLK_TCK")


class Flood(NamedTuple):
    """What was measured.

    Attributes:
        seconds: until all of it was written and read by a viewer.
        shim_seconds: of processor time of the shim's, all in all.
        shim_grown_bytes: of its memory at the highest, beyond what it was before.
        longest_bytes: the longest piece that a reader of the log had to hold.
        last: the last two bytes that the log has.
        alone_seconds, beside_seconds: an exec in another container, before and meanwhile.
    """

    shape: str
    size_bytes: int
    seconds: float
    shim_seconds: float
    shim_grown_bytes: int
    longest_bytes: int
    last: bytes
    alone_seconds: float
    beside_seconds: float

    @property
    def line(self) -> str:
        """For people."""
        per_core = self.size_bytes / 1e6 / max(self.shim_seconds, 1 / _TICKS)
        return (
            f"{self.shape}: {self.size_bytes / 1e6 / self.seconds:.0f} MB/s, the shim can {per_core:.0f} MB/s on a "
            f"processor of its own and takes {self.shim_grown_bytes / 2**20:.1f} MiB more; a reader holds "
            f"{self.longest_bytes / 2**20:.2f} MiB at most; an exec beside it {self.beside_seconds * 1000:.0f} ms, "
            f"alone {self.alone_seconds * 1000:.0f} ms"
        )


async def measure(engine: Engine, shape: str, size_bytes: int) -> Flood:
    """Have a container write so much, and look."""
    beside = await engine.containers.run(ContainerRequest(image="base", command=("sleep", "1000")))
    script = f"{_WAIT}{SHAPES[shape].format(size=size_bytes)}{_STAY}"
    request = ContainerRequest(image="base", command=("sh", "-c", script), interactive=True)
    session = await engine.containers.run_attached(request)
    try:
        shim = await _shim(engine, session.container)
        alone = [await _exec(engine, beside) for _ in range(_EXECS)]
        peak, spent, began = _peak_bytes(shim), _processor_seconds(shim), time.perf_counter()
        await session.write(b"go\n")
        execs = asyncio.ensure_future(_execs_until_cancelled(engine, beside))
        left = size_bytes + 1
        while left > 0 and (chunk := await session.read()) is not None:
            left -= len(chunk.data)
        seconds = time.perf_counter() - began
        execs.cancel()
        meanwhile = await execs
        grown, spent = _peak_bytes(shim) - peak, _processor_seconds(shim) - spent
        await session.write(b"end\n")
        await session.wait()
        longest, last = 0, b""
        async for line in engine.containers.logs(session.container.id):
            longest, last = max(longest, len(line.data)), (last + line.data)[-2:]
        return Flood(
            shape, size_bytes + 1, seconds, spent, grown, longest, last, median(alone), median(meanwhile or alone)
        )
    finally:
        await session.close()
        for container in (beside, session.container):
            await engine.containers.remove(container.id, force=True)


async def _shim(engine: Engine, container: Container) -> int:
    while (found := status.read(engine.paths.status(container.id))) is None or found.state != "running":
        await asyncio.sleep(0.005)
    return found.shim_pid


async def _exec(engine: Engine, container: Container) -> float:
    began = time.perf_counter()
    session = await engine.containers.exec(container.id, ExecRequest(argv=("true",)))
    await session.wait()
    return time.perf_counter() - began


async def _execs_until_cancelled(engine: Engine, container: Container) -> list[float]:
    found: list[float] = []
    try:
        while True:
            found.append(await _exec(engine, container))
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return found


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICKS


async def main(megabytes: int) -> None:
    """Measure both shapes on a root of their own."""
    folder = tempfile.mkdtemp(prefix="boxdeck-flood-")
    try:
        async with Engine.open(f"{folder}/root", f"{folder}/run") as engine:
            await engine.images.ensure("base")
            for shape in SHAPES:
                flood = await measure(engine, shape, megabytes * 1_000_000)
                assert flood.longest_bytes < 2 * LINE_LIMIT and flood.last[-1:] == b"\xc3", flood
                sys.stdout.write(f"{flood.line}\n")
            await engine.reset()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES))
