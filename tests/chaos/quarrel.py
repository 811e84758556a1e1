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
from collections.abc import Awaitable, Callable

from engine import Engine
from engine.containers import Containers
from engine.errors import BoxdeckError
from engine.model import ContainerRequest, ExecRequest, Limits
from engine.restart_policy import RestartPolicy
from tests.command_line import CHECKOUT, CommandLine

_NAMES = ("one", "two", "three")
_PROGRAM = ("sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done")
_PATIENCE_SECONDS = 60.0
_WAIT_SECONDS = 0.5


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
            name, act = chance.choice(_NAMES), chance.choice(_ACTS)
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await act(engine.containers, name, chance)
                done[act.__name__] += 1
            except BoxdeckError:
                continue
            except Exception:
                wrong.append(f"{act.__name__} of {name}: {traceback.format_exc()}")
    return done, wrong


async def _create(containers: Containers, name: str, chance: random.Random) -> None:
    network = chance.choice(("bridge", "none"))
    await containers.create(ContainerRequest(image="base", command=_PROGRAM, name=name, network=network))


async def _start(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.start(name)


async def _stop(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.stop(name, timeout_seconds=1)


async def _restart(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.restart(name, timeout_seconds=1)


async def _kill(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.kill(name, chance.choice(("TERM", "KILL", "USR1")))


async def _pause(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.pause(name)


async def _unpause(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.unpause(name)


async def _rename(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.rename(name, chance.choice(_NAMES))


async def _update(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.update(name, Limits(pids=chance.randrange(20, 99)))


async def _set_policy(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.set_restart_policy(name, RestartPolicy(name=chance.choice(("no", "always", "unless-stopped"))))


async def _remove(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.remove(name, force=chance.random() < 0.5)


async def _enter(containers: Containers, name: str, chance: random.Random) -> None:
    session = await containers.exec(name, ExecRequest(argv=("true",)))
    await session.wait()
    await session.close()


async def _attach(containers: Containers, name: str, chance: random.Random) -> None:
    await (await containers.attach(name)).close()


async def _read(containers: Containers, name: str, chance: random.Random) -> None:
    async for _ in containers.logs(name, tail=3):
        continue


async def _list(containers: Containers, name: str, chance: random.Random) -> None:
    await containers.list(all_states=True)


async def _wait(containers: Containers, name: str, chance: random.Random) -> None:
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await containers.wait(name)
    except TimeoutError:  # it runs on
        return


_ACTS: tuple[Callable[[Containers, str, random.Random], Awaitable[None]], ...] = (
    _create, _create, _start, _start, _stop, _restart, _kill, _pause, _unpause, _rename, _update, _set_policy, _remove,
    _enter, _attach, _read, _list, _wait,
)  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))))
