"""``python -m tests.chaos [ROUNDS] [SEED] [FIRST]``: rounds of chaos on a root of their own, with a short report."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.chaos.crowd import crowd, repeated
from tests.chaos.rounds import Chaos, Round
from tests.conftest import fresh_command_line
from tests.registry import DockerRegistry

PROCESSES, CONTAINERS = 8, 200


async def play(chaos: Chaos, seed: int, numbers: range) -> list[Round]:
    """Play rounds one after the other; each that goes wrong is said at once."""
    await chaos.prepare()
    played = []
    for number in numbers:
        played.append(await chaos.play(Round.of(seed, number, chaos.operations)))
        if played[-1].failures:
            _say(str(played[-1]))
    return played


def report(seed: int, played: list[Round], seconds: float) -> list[str]:
    """A line on all, and one for each kind of operation."""
    wrong = [it for it in played if it.failures]
    lines = [f"{len(played)} rounds with seed {seed} in {seconds:.0f} s: {len(wrong)} went wrong"]
    for operation in dict.fromkeys(it.operation for it in played):
        own = [it for it in played if it.operation == operation]
        victims = Counter(it.victim for it in own if it.killed)
        hit = ", ".join(f"{count} {victim}" for victim, count in sorted(victims.items()))
        done = sum(it.exit_status == 0 for it in own)
        lines.append(f"  {operation:<7} {len(own):>4} rounds, killed in time: {hit or 'nobody'}; acknowledged: {done}")
    return lines


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Play as many rounds as are asked for."""
    rounds, seed, first = (*map(int, arguments), *(1000, random.randrange(10**6), 0)[len(arguments) :])
    with fresh_command_line() as boxdeck:
        boxdeck.ok("run", "--rm", "base", "true")
        registry = DockerRegistry(Path(boxdeck.paths.root.parent) / "registry")
        began = time.monotonic()
        try:
            played = asyncio.run(play(Chaos(boxdeck, registry), seed, range(first, first + rounds)))
        finally:
            registry.close()
        _say(*report(seed, played, time.monotonic() - began))
        began = time.monotonic()
        shared = repeated(crowd(boxdeck, PROCESSES, CONTAINERS))
        _say(
            f"{CONTAINERS} containers of {PROCESSES} processes in {time.monotonic() - began:.0f} s: {shared or 'well'}"
        )
    return int(bool(shared) or any(it.failures for it in played))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
