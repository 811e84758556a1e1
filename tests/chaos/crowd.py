"""Many containers from several processes at once on one state: started, entered and stopped.

``python -m tests.chaos.crowd ROOT RUNROOT COUNT`` is one of the processes: it says a line of JSON when all of its
containers run, and stops them when it is sent a line.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from typing import Any

from engine import Engine
from engine.model import ContainerRequest, ExecRequest, PublishedPort, State
from engine.session import Session
from tests.command_line import CHECKOUT, CommandLine

_REQUEST = ContainerRequest(
    image="base", command=("sleep", "1000"), ports=(PublishedPort(container_port=80, is_chosen=True),)
)


def crowd(boxdeck: CommandLine, processes: int, containers: int) -> list[dict[str, Any]]:
    """Have `containers` run at once, started by so many processes; what each says of itself while all run.

    Raises:
        AssertionError: a process has failed, with what it said.
    """
    command = [
        sys.executable, "-m", "tests.chaos.crowd", str(boxdeck.paths.root), str(boxdeck.paths.runroot),
        str(containers // processes),
    ]  # fmt: skip
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(processes)
    ]
    said = [worker.stdout.readline() for worker in workers if worker.stdout is not None]
    found = [each for line in said if line for each in json.loads(line)]
    for worker in workers:
        _, err = worker.communicate("stop\n", timeout=300)
        assert worker.returncode == 0, err
    return found


def repeated(found: list[dict[str, Any]]) -> list[str]:
    """The names, addresses and ports that more than one of the containers has."""
    names = [str(each["name"]) for each in found]
    addresses = [address for each in found for address in each["addresses"] if address]
    ports = [str(port) for each in found for port in each["ports"]]
    counts = Counter((*names, *addresses, *ports))
    return sorted(value for value, count in counts.items() if count > 1)


async def work(root: str, runroot: str, count: int) -> None:
    """Start them all, one after the other, and enter each; stop and remove them when told to."""
    async with Engine.open(root, runroot) as engine:
        containers = [await _started(engine) for _ in range(count)]
        sys.stdout.write(json.dumps(containers) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        for each in containers:
            ended = await engine.containers.stop(each["id"], timeout_seconds=0)
            assert (ended.state, ended.exit_status) == (State.EXITED, 137), ended
            await engine.containers.remove(each["id"])


async def _started(engine: Engine) -> dict[str, Any]:
    container = await engine.containers.run(_REQUEST)
    said = await _output(await engine.containers.exec(container.id, ExecRequest(argv=("hostname",))))
    assert said.strip() == container.short_id, said
    container = await engine.containers.get(container.id)
    assert container.endpoint is not None
    return {
        "id": container.id,
        "name": container.name,
        "addresses": [container.endpoint.address, container.endpoint.address6],
        "ports": [port.host_port for port in container.ports],
        "state": container.state.value,
    }


async def _output(session: Session) -> str:
    said = b""
    while (chunk := await session.read()) is not None:
        said += chunk.data
    assert await session.wait() == 0
    await session.close()
    return said.decode()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
