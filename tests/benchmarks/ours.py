"""What the engine does in this process, which has it open: the times of a program that embeds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace

from engine import Engine
from engine.model import Container, ContainerRequest, ExecRequest
from tests.benchmarks.contest import Contender
from tests.benchmarks.stopwatch import Timing

TRUE = "/bin/true"
REQUEST = ContainerRequest(image="base", command=(TRUE,), network="none", userns="auto")
SLEEP = ("/bin/sleep", "100000")
_SECONDS_TO_A_RECORDER = 1.5


class Ours:
    """A container to start again and again, and one to execute in.

    A third one began before that: its shim is the recorder's parent and shares memory with it, as only one does.
    """

    def __init__(self, engine: Engine, once: Container, sleeping: Container) -> None:
        self._engine = engine
        self.once = once
        self.sleeping = sleeping

    @classmethod
    async def make(cls, engine: Engine) -> Ours:
        """All three."""
        once = await engine.containers.create(REQUEST)
        await engine.containers.run(replace(REQUEST, command=SLEEP))
        await asyncio.sleep(_SECONDS_TO_A_RECORDER)
        return cls(engine, once, await engine.containers.run(replace(REQUEST, command=SLEEP)))

    def contenders(self) -> dict[str, Contender]:
        """By what they are called in the table."""
        return {"start boxdeck": timed(self._start), "exec boxdeck": timed(self._exec)}

    async def _start(self) -> int:
        return await (await self._engine.containers.start_attached(self.once.id)).wait()

    async def _exec(self) -> int:
        session = await self._engine.containers.exec(self.sleeping.id, ExecRequest(argv=(TRUE,)))
        try:
            return await session.wait()
        finally:
            await session.close()

    def shim_private_bytes(self) -> int:
        """Private memory of the shim of the container that runs (proc_pid_smaps(5), ``Private_*``)."""
        status = Path(f"/proc/{self.sleeping.pid}/status").read_text()
        shim = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
        lines = Path(f"/proc/{shim}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


def whole_lives(engine: Engine) -> dict[str, Contender]:
    """From a request to a container that has ended and is removed, on each network."""

    def life(request: ContainerRequest) -> Contender:
        async def run() -> int:
            return await (await engine.containers.run_attached(request)).wait()

        return timed(run)

    requests = {network: replace(REQUEST, network=network, auto_remove=True) for network in ("none", "bridge")}
    return {f"engine: run to removed, --network {network}": life(request) for network, request in requests.items()}


def timed(work: Callable[[], Awaitable[int]]) -> Contender:
    """Something that returns an exit status, with a stopwatch."""

    async def once_timed() -> Timing:
        begun = time.perf_counter()
        status = await work()
        return Timing(status, 1000 * (time.perf_counter() - begun))

    return once_timed
