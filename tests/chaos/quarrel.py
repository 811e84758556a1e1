"""Several processes that do anything at all to the same few containers, all at once, for some seconds.

``python -m tests.chaos.quarrel ROOT RUNROOT SEED SECONDS`` is one of them: it says a line of JSON in the end.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
import traceback
from collections import Counter

from engine import Engine
from engine.errors import BoxdeckError
from tests.chaos.acts import ACTS, NAMES
from tests.command_line import CHECKOUT, CommandLine

_PATIENCE_SECONDS = 60.0


def quarrel(boxdeck: CommandLine, processes: int, seed: int, seconds: float) -> tuple[Counter[str], list[str]]:
    """How often each thing was done, and everything that went wrong in another way than with one of our sentences."""
    roots = (str(boxdeck.paths.root), str(boxdeck.paths.runroot))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.quarrel", *roots, str(seed + number), str(seconds)],
            cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(processes)
    ]  # fmt: skip
    done: Counter[str] = Counter()
    wrong: list[str] = []
    for worker in workers:
        out, err = worker.communicate(timeout=seconds + 3 * _PATIENCE_SECONDS)
        assert worker.returncode == 0, err
        counts, failures = json.loads(out)
        done.update(counts)
        wrong += failures
    return done, wrong


async def work(root: str, runroot: str, seed: int, seconds: float) -> tuple[Counter[str], list[str]]:
    """One of the processes."""
    chance, done, wrong = random.Random(seed), Counter[str](), list[str]()
    deadline = time.monotonic() + seconds
    async with Engine.open(root, runroot) as engine:
        while time.monotonic() < deadline:
            name, act = chance.choice(NAMES), chance.choice(ACTS)
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await act(engine, name, chance)
                done[act.__name__] += 1
            except BoxdeckError:
                continue
            except Exception:
                wrong.append(f"{act.__name__} of {name}: {traceback.format_exc()}")
    return done, wrong


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))))
