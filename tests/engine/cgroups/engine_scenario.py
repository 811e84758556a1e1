"""What an engine does where systemd owns the control groups, as a service of a systemd of its own; see test_systemd."""

from __future__ import annotations

import asyncio
import glob
import os
import subprocess
import sys
import time
from pathlib import Path

from engine import Engine
from engine.cgroups.delegation import MONITORS
from engine.limits import Limits
from engine.model import Container, ContainerRequest

MIB = 1 << 20
REQUEST = ContainerRequest(
    image="base", command=("sleep", "1000"), network="none", limits=Limits(memory_bytes=64 * MIB, pids=20)
)


async def main(folder: str) -> None:
    """Containers are in a scope that systemd has left to us, with their limits, and live on without an engine."""
    root, runroot = f"{folder}/root", "/run/engine"
    async with Engine.open(root, runroot) as engine:
        scope = engine.paths.cgroup_name
        assert scope.startswith("system.slice/boxdeck-") and scope.endswith(".scope"), scope
        first = await engine.containers.run(REQUEST)
        check(first, scope)
    await asyncio.sleep(0.5)
    async with Engine.open(root, runroot) as engine:
        assert (await engine.containers.get(first.id)).is_running
        second = await engine.containers.run(REQUEST)
        check(second, scope)
        subprocess.run(["systemctl", "daemon-reload"], check=True)  # systemd puts its own groups in order again
        for container in (first, second):
            check(container, scope)
            limits = await engine.containers.limits(container.id)
            assert (limits.memory_bytes, limits.pids) == (64 * MIB, 20), limits
            sample = (await engine.sample_once()).containers[container.id]
            assert sample.memory is not None and sample.cpu is not None and sample.pids is not None
        assert shown(scope, "Delegate") == ["yes"]
        assert not glob.glob("/sys/fs/cgroup/boxdeck*")
        await engine.reset()
    deadline = time.monotonic() + 60
    while os.path.exists(f"/sys/fs/cgroup/{scope}"):  # with its last process it goes by itself
        assert time.monotonic() < deadline, os.listdir(f"/sys/fs/cgroup/{scope}")
        await asyncio.sleep(0.1)
    print("done", flush=True)  # noqa: T201 - read by the test


def check(container: Container, scope: str) -> None:
    """See where a container's process and its shim are."""
    assert group(container.pid) == f"/{scope}/{container.id}", group(container.pid)
    status = Path(f"/proc/{container.pid}/status").read_text()
    shim = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
    assert group(shim) == f"/{scope}/{MONITORS}", group(shim)


def group(pid: int | None) -> str:
    """A process's cgroup."""
    return Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")


def shown(scope: str, *names: str) -> list[str]:
    """What systemd says of the scope."""
    command = ["systemctl", "show", "--value", "-p", ",".join(names), os.path.basename(scope)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
