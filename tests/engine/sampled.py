"""Containers for a sampler that are nothing but cgroups with a process in each."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import pytest

from engine.cgroups.manager import Cgroup
from engine.model import Container, ContainerRequest, Endpoint, State
from engine.oci.resources_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, make, parent, spawn

__all__ = ["make", "parent", "spawn"]  # fixtures

MIB = 1 << 20
IDLE = "time.sleep(100)"
LIMITED = LinuxResources(
    memory=LinuxMemory(limit=64 * MIB), cpu=LinuxCPU(quota=30_000, period=100_000), pids=LinuxPids(limit=20)
)
Part = TypeVar("Part")


class Machine:
    """The containers that a sampler is told about, and how often it asked."""

    def __init__(self, parent: str, make: Make, spawn: Spawn) -> None:
        self.running: list[Container] = []
        self.asked = 0
        self.doubtful: set[str] = set()
        self.error: Exception | None = None
        self._parent, self._make, self._spawn = parent, make, spawn

    def start(self, name: str, code: str = IDLE, started_unix_ns: int = 1) -> Cgroup:
        cgroup, child = self._make(name, LIMITED), self._spawn(code)
        cgroup.join(child.pid)
        let_go(child)
        self.running.append(container(name, started_unix_ns))
        return cgroup

    @property
    def seen_running(self) -> list[Container]:
        return list(self.running)

    def look(self, doubtful: Collection[str] = ()) -> set[str]:
        self.asked += 1
        self.doubtful = set(doubtful)
        if self.error is not None:
            raise self.error
        return set()

    async def sweep(self, ended: Collection[str]) -> None:
        raise AssertionError(f"nothing has ended, but {ended} is swept")

    def cgroup_path(self, container: Container) -> str:
        return f"/{self._parent}/{container.id}"


def container(name: str, started_unix_ns: int = 1) -> Container:
    endpoint = Endpoint(
        network="bridge",
        bridge="boxdeck0",
        host_interface=f"bd-{name}",
        container_interface="eth0",
        address="10.89.0.7/24",
        gateway="10.89.0.1",
        mac="02:42:0a:59:00:07",
    )
    return Container(
        id=name,
        name=name,
        request=ContainerRequest(image="base"),
        image_id="",
        argv=("sh",),
        state=State.RUNNING,
        created_unix_ns=0,
        started_unix_ns=started_unix_ns,
        endpoints=(endpoint,),
    )


@pytest.fixture
def machine(parent: str, make: Make, spawn: Spawn) -> Machine:
    return Machine(parent, make, spawn)


def part(found: Part | None) -> Part:
    """A part of a sample whose controller is on."""
    assert found is not None
    return found
