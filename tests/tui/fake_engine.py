"""An engine that only looks like one: for layouts that need a crowd of containers, not for behaviour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs
from msgspec.structs import replace

from engine.errors import CommandNotFound, InvalidRequest
from engine.isolation import Isolation
from engine.model import (
    CgroupNode,
    Container,
    ContainerNamespaces,
    ContainerRequest,
    Endpoint,
    Event,
    IdRange,
    Limits,
    LogLine,
    NamespaceInfo,
    NamespaceKind,
    NamespaceTree,
    Network,
    ProcessInfo,
    Snapshot,
    State,
    Subnet,
    Topology,
)
from engine.model.history import History
from engine.model.limits_in_force import LimitsInForce
from engine.model.volume import Volume
from engine.preflight.part import Part
from tests.tui import fake_measures, fake_wiring
from tests.tui.fake_images import FakeImages, FakeLayers

NOW = time.time_ns()
GIB, MIB = 1 << 30, 1 << 20
ISOLATION = Isolation(
    root_uid=1_000_013_824,
    capabilities=("CAP_CHOWN", "CAP_KILL"),
    filters_calls=True,
    hides_paths=True,
    no_new_privileges=False,
    read_only=False,
)
KINDS: tuple[NamespaceKind, ...] = ("user", "mnt", "uts", "ipc", "pid", "net", "cgroup", "time")


def container(number: int, name: str, image: str = "base", *, ran_seconds: float = 600, **changes: Any) -> Container:
    """A running container with an address, changed as asked."""
    endpoint = Endpoint(
        network="bridge",
        bridge="boxdeck0",
        host_interface=f"bd{number:08x}",
        container_interface="eth0",
        address=f"10.89.0.{number + 2}/24",
        gateway="10.89.0.1",
        mac=f"02:42:0a:59:00:{number + 2:02x}",
    )
    made = Container(
        id=f"{number * 7919 + 0xA3F00D:012x}" + "0" * 52,
        name=name,
        request=ContainerRequest(image=image, limits=Limits(memory_bytes=256 * MIB, cpus=2, pids=512)),
        image_id="sha256:" + "1" * 64,
        argv=("sh",),
        state=State.RUNNING,
        created_unix_ns=NOW - int(ran_seconds * 1e9),
        started_unix_ns=NOW - int(ran_seconds * 1e9),
        pid=48_000 + number * 13,
        endpoints=(endpoint,),
        isolation=ISOLATION,
    )
    return replace(made, **changes)


def crowd() -> tuple[Container, ...]:
    """A dozen of containers in all states."""
    ended: dict[str, Any] = {
        "state": State.EXITED,
        "pid": None,
        "endpoints": (),
        "finished_unix_ns": NOW - 172_800 * 10**9,
    }
    free = ContainerRequest(image="base", network="none")
    return (
        container(1, "web", "nginx:1.27", ran_seconds=11_533, argv=("nginx", "-g", "daemon off;")),
        container(2, "db", "postgres:16", ran_seconds=90_000, argv=("postgres",)),
        container(3, "job-7", ran_seconds=42, request=free, endpoints=()),
        container(4, "cache", "redis", oom_killed=True, exit_status=137, **ended),
        container(5, "old", "debian:12", exit_status=0, **ended),
        container(6, "quiet_harbour", ran_seconds=3_000, argv=("sh", "-c", "while true; do date; sleep 1; done")),
        container(7, "broken", exit_status=127, error="the command nope isn't there: see what the image has", **ended),
        container(8, "metrics", "prom/prometheus:v2.54", ran_seconds=300),
    )


@dataclass
class FakeSession:
    """A shell that answers nothing."""

    container: Container
    tty: bool = True
    past: bytes = b""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        await self.done.wait()

    async def write(self, data: bytes) -> None:
        if b"\x04" in data:
            self.done.set()

    async def resize(self, rows: int, columns: int) -> None:
        return

    async def wait(self) -> int:
        await self.done.wait()
        return 0

    async def hang_up(self) -> None:
        self.done.set()

    async def close(self) -> None:
        self.done.set()


class FakePorts:
    """A firewall of somebody else's, in the way of what is told of."""

    def __init__(self) -> None:
        self.said: tuple[str, ...] = ()

    def obstacles(self, container: Container) -> tuple[str, ...]:
        return self.said


class FakeContainers:
    """Verbs that change a list."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.ports = FakePorts()

    async def list(self, all_states: bool = False) -> tuple[Container, ...]:
        return tuple(self._engine.all)

    async def run(self, request: ContainerRequest) -> Container:
        made = container(
            len(self._engine.all) + 20, request.name or "made_up", request.image, ran_seconds=0, request=request
        )
        self._engine.all.insert(0, made)
        self._engine.change()
        return made

    async def run_attached(self, request: ContainerRequest) -> FakeSession:
        return FakeSession(await self.run(request))

    async def stop(self, reference: str, timeout_seconds: float = 10) -> Container:
        await asyncio.sleep(0.2)
        return self._set(reference, state=State.EXITED, pid=None, exit_status=143, finished_unix_ns=time.time_ns())

    async def kill(self, reference: str, signal: str = "SIGKILL") -> None:
        self._set(reference, state=State.EXITED, pid=None, exit_status=137, finished_unix_ns=time.time_ns())

    async def start(self, reference: str) -> Container:
        return self._set(reference, state=State.RUNNING, pid=777, started_unix_ns=time.time_ns(), error="")

    async def restart(self, reference: str, timeout_seconds: float = 10) -> Container:
        await self.stop(reference)
        return await self.start(reference)

    async def written_bytes(self, reference: str) -> int:
        return 3 * MIB

    async def remove(self, reference: str, force: bool = False) -> None:
        self._engine.all = [each for each in self._engine.all if each.id != reference]
        self._engine.change()

    async def exec(self, reference: str, request: object) -> FakeSession:
        found = next(each for each in self._engine.all if each.id == reference)
        if found.name == "db":
            raise CommandNotFound("the container has no /bin/sh", "run something that it has")
        return FakeSession(found)

    async def sessions(self, reference: str) -> tuple[str, ...]:
        return ()

    async def shell(self, reference: str, request: object) -> FakeSession:
        return await self.exec(reference, request)

    async def logs(
        self, reference: str, follow: bool = False, tail: int | None = None, since_unix_ns: int | None = None
    ) -> AsyncIterator[LogLine]:
        for number in range(2_000):
            text = f"\x1b[32mGET\x1b[0m /index-{number}.html \x1b[1m200\x1b[0m 12 ms"
            yield LogLine(at_unix_ns=time.time_ns(), stream="stdout" if number % 9 else "stderr", data=text.encode())
            if number > 60:
                await asyncio.sleep(0.5)

    async def top(self, reference: str) -> tuple[ProcessInfo, ...]:
        self._engine.read.append("top")
        return fake_measures.processes(self._found(reference))

    async def history(self, reference: str) -> History:
        self._engine.read.append("history")
        return fake_measures.history(reference)

    async def limits(self, reference: str) -> LimitsInForce:
        self._engine.read.append("limits")
        return fake_measures.limits_in_force(self._found(reference))

    async def update(self, reference: str, limits: Limits) -> Container:
        found = self._found(reference)
        if limits.memory_bytes is not None and 0 < limits.memory_bytes < 8 * MIB:
            raise InvalidRequest("the container uses more than that now", "give it at least 8m")
        changed = {name: value for name, value in structs.asdict(limits).items() if value not in (None, ())}
        return self._set(reference, request=replace(found.request, limits=replace(found.request.limits, **changed)))

    def _found(self, reference: str) -> Container:
        return next(each for each in self._engine.all if each.id == reference)

    def _set(self, reference: str, **changes: Any) -> Container:
        index = next(i for i, each in enumerate(self._engine.all) if each.id == reference)
        self._engine.all[index] = replace(self._engine.all[index], **changes)
        self._engine.change()
        return self._engine.all[index]


class FakeNetworks:
    """The default one, and one that nobody is on."""

    def __init__(self) -> None:
        self.networks = [
            Network(
                id="b0" * 32, name="bridge", bridge="boxdeck0", created_unix_ns=NOW,
                subnets=(
                    Subnet(subnet="10.89.0.0/24", gateway="10.89.0.1"),
                    Subnet(subnet="fd5d:1::/64", gateway="fd5d:1::1"),
                ),
            ),
            Network(
                id="c0" * 32, name="backend", bridge="bdkc0c0c0", internal=True, created_unix_ns=NOW,
                subnets=(Subnet(subnet="10.89.1.0/24", gateway="10.89.1.1"),), labels={"tier": "data"},
            ),
        ]  # fmt: skip

    async def list(self) -> tuple[Network, ...]:
        return tuple(self.networks)

    async def remove(self, reference: str) -> Network:
        found = next(each for each in self.networks if each.id == reference)
        self.networks.remove(found)
        return found


class FakeVolumes:
    """Two that are used, one that isn't, and one without a name."""

    def __init__(self) -> None:
        self.volumes = [
            Volume(name="data", path="/var/lib/boxdeck/volumes/data/_data", created_unix_ns=NOW, users=("db",)),
            Volume(
                name="site", path="/var/lib/boxdeck/volumes/site/_data", created_unix_ns=NOW,
                labels={"tier": "web"}, users=("web", "cache"),
            ),
            Volume(name="old-backups", path="/var/lib/boxdeck/volumes/old-backups/_data", created_unix_ns=NOW),
            Volume(
                name="4f2a9c" * 10, path="/var/lib/boxdeck/volumes/4f/_data", created_unix_ns=NOW, is_anonymous=True
            ),
        ]  # fmt: skip

    async def list(self) -> tuple[Volume, ...]:
        return tuple(self.volumes)

    async def disk_bytes(self, name: str) -> int:
        return 12 * MIB

    async def get(self, name: str) -> Volume:
        return next(volume for volume in self.volumes if volume.name == name)

    async def remove(self, name: str) -> None:
        self.volumes = [volume for volume in self.volumes if volume.name != name]


class FakeEngine:
    """What the app asks of an engine, made up."""

    def __init__(self, *containers: Container, minutes: int = 1) -> None:
        self.all = list(containers)
        self.containers = FakeContainers(self)
        self.images = FakeImages(self)
        self.volumes = FakeVolumes()
        self.machine: tuple[Part, ...] = ()
        self.networks = FakeNetworks()
        self.layers = FakeLayers(self.images)
        self._changed = asyncio.Event()
        self._backlog = minutes * 60
        self._next: Event | None = None
        self.tick = 0
        self.read: list[str] = []

    def change(self) -> None:
        self._changed.set()

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield self._next or Event(revision=1, at_unix_ns=0, kind="container", action="rename", subject="", name="")
            self._next = None

    def latest_events(self, count: int) -> tuple[Event, ...]:
        return tuple(
            Event(
                revision=n, at_unix_ns=NOW - (9 - n) * 10**9, kind="container", action=action, subject="x", name="web"
            )
            for n, action in enumerate(("create", "start", "die", "start"), 1)
        )[-count:]

    def happen(self, action: str, to: Container, detail: str = "") -> None:
        """Something happens to a container."""
        self._next = Event(
            revision=9, at_unix_ns=time.time_ns(), kind="container", action=action, subject=to.id, name=to.name,
            detail=detail,
        )  # fmt: skip
        self.change()

    def happen_to_image(self, action: str, name: str) -> None:
        """Something happens to an image."""
        self._next = Event(revision=9, at_unix_ns=time.time_ns(), kind="image", action=action, subject="x", name=name)
        self.change()

    async def cgroup_tree(self) -> CgroupNode:
        self.read.append("groups")
        return fake_measures.cgroup_tree(self.all, self.tick)

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        tick = 0
        while True:
            yield self._snapshot(tick)
            tick += 1
            if tick > self._backlog:
                await asyncio.sleep(interval_seconds)

    def _snapshot(self, tick: int) -> Snapshot:
        self.tick = tick
        samples = {
            each.id: fake_measures.sample(each, number, tick) for number, each in enumerate(self.all) if each.is_running
        }
        return Snapshot(
            taken_unix_ns=time.time_ns(), interval_seconds=1, host=fake_measures.host_sample(tick), containers=samples
        )

    async def preflight(self, again: bool = False) -> tuple[Part, ...]:
        return self.machine

    async def network_changes(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def topology(self) -> Topology:
        return fake_wiring.topology([each for each in self.all if each.is_running and each.endpoint])

    async def namespace_tree(self) -> NamespaceTree:
        host = tuple(NamespaceInfo(kind=kind, inode=4_026_531_834 + n, is_host=True) for n, kind in enumerate(KINDS))
        return NamespaceTree(host=host, containers=tuple(_namespaces(each) for each in self.all if each.is_running))


def _namespaces(each: Container) -> ContainerNamespaces:
    own_user = each.name == "db"
    shared = {"time"} if own_user else {"time", "user"}
    infos = tuple(
        NamespaceInfo(
            kind=kind,
            inode=4_026_531_834 + n if kind in shared else 4_026_532_300 + n + (each.pid or 0) % 97,
            is_host=kind in shared,
            shared_with=("db",) if kind == "ipc" and each.name == "web" else (),
        )
        for n, kind in enumerate(KINDS)
    )
    pid = each.pid or 1
    return ContainerNamespaces(
        container_id=each.id,
        container_name=each.name,
        namespaces=infos,
        uid_map=(IdRange(inside=0, outside=200_000, length=65_536),) if own_user else (),
        gid_map=(IdRange(inside=0, outside=200_000, length=65_536),) if own_user else (),
        processes=(
            ProcessInfo(pid=pid, parent_pid=1, pid_inside=1, command=" ".join(each.argv), memory_bytes=3 * MIB),
            ProcessInfo(pid=pid + 4, parent_pid=pid, pid_inside=7, command="worker", threads=4, memory_bytes=9 * MIB),
            ProcessInfo(pid=pid + 5, parent_pid=pid, pid_inside=8, command="worker", memory_bytes=9 * MIB),
            ProcessInfo(pid=pid + 9, parent_pid=pid + 5, pid_inside=12, command="sleep 1", memory_bytes=1 * MIB),
        ),
    )
