"""What a network costs as it grows, and how fast names are told on it. ``make bench``; see ``--help``."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import sys
import time
from typing import NamedTuple

from msgspec.structs import replace

from engine import Engine
from engine.errors import BoxdeckError
from engine.linux import namespaces
from engine.model import Container, NetworkRequest
from engine.names import message
from tests.benchmarks.fresh_root import fresh_root, is_root
from tests.benchmarks.ours import REQUEST, SLEEP
from tests.benchmarks.table import machine
from tests.command_line import CommandLine

_NETWORK = "bench"
_SERIES = 1000  # look-ups at a time; of several series the best is told
_PATIENCE_SECONDS = 30.0


class Measured(NamedTuple):
    """Medians of starts, and look-ups."""

    containers: int
    first_ms: float
    last_ms: float
    look_ups_per_second: float


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.networks", description=__doc__)
    parser.add_argument("containers", nargs="?", type=int, default=200, help="[200]")
    containers = parser.parse_args().containers
    if not is_root():
        return BoxdeckError.exit_status
    with fresh_root() as (boxdeck, _):
        found = asyncio.run(_measure(boxdeck, containers))
    sys.stdout.write(_text(found))
    return 0


async def _measure(boxdeck: CommandLine, containers: int) -> Measured:
    async with Engine.open(str(boxdeck.paths.root), str(boxdeck.paths.runroot)) as engine:
        await engine.networks.create(NetworkRequest(name=_NETWORK))
        request = replace(REQUEST, network=_NETWORK, command=SLEEP)
        made = [await engine.containers.create(request) for _ in range(containers)]
        took_ms = []
        for each in made:
            began = time.perf_counter()
            await engine.containers.start(each.id)
            took_ms.append((time.perf_counter() - began) * 1000)
        share = max(1, containers // 10)
        look_ups = await asyncio.to_thread(_look_ups_per_second, await engine.containers.get(made[0].id))
    return Measured(
        containers=containers,
        first_ms=statistics.median(took_ms[:share]),
        last_ms=statistics.median(took_ms[-share:]),
        look_ups_per_second=look_ups,
    )


def _look_ups_per_second(container: Container) -> float:
    """One after the other, as a program in a container asks for its own name."""
    home = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    with namespaces.entered(home, "net"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    os.close(home)
    question = message.query(container.name, message.A)
    best = 0.0
    with sock:
        sock.settimeout(_PATIENCE_SECONDS)
        sock.connect((container.endpoints[0].name_server, 53))
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(_SERIES):
                sock.send(question)
                sock.recv(512)
            best = max(best, _SERIES / (time.perf_counter() - began))
    return best


def _text(found: Measured) -> str:
    share = max(1, found.containers // 10)
    ratio = found.last_ms / found.first_ms
    return (
        f"{found.containers} containers on one network; medians; {machine(())}\n\n"
        f"start of the first {share:<27} {found.first_ms:5.1f} ms\n"
        f"start of the last {share:<28} {found.last_ms:5.1f} ms   {ratio:.2f} of the first\n"
        f"{'look-ups of a name, one after the other':<46} {found.look_ups_per_second:5.0f} a second\n"
    )


if __name__ == "__main__":
    sys.exit(main())
