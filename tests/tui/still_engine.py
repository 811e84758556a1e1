"""A made-up engine that stands still: the same state at the same moment, however often and wherever one looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model import (
    Container,
    Finding,
    IdRange,
    LogLine,
    NamespaceAspect,
    NamespaceEntry,
    NamespacePortrait,
    Snapshot,
)
from engine.model.history import History, Series
from engine.model.xray import KernelCall, Xray
from engine.paths import Paths
from engine.preflight.part import good, limited, missing
from engine.xray.xrays import Recording
from tests.tui import fake_engine, fake_images
from tests.tui.fake_engine import FakeContainers, FakeEngine, crowd

MOMENT_NS = 1_768_478_400 * 10**9  # 2026-01-15 12:00:00 UTC
_TICKS = 75
_LINES = 60


@contextmanager
def stopped_clock() -> Iterator[None]:
    """The wall clock says `MOMENT_NS`, in UTC, for as long as this lasts; the monotonic one goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.setattr(time, "time_ns", lambda: MOMENT_NS)
        patch.setattr(time, "time", lambda: MOMENT_NS / 1e9)
        patch.setattr(fake_engine, "NOW", MOMENT_NS)
        patch.setattr(fake_images, "NOW", MOMENT_NS)
        yield
    time.tzset()


class StillEngine(FakeEngine):
    """The crowd after 75 seconds, and nothing happens any more.

    Args:
        folder: for the layers of images.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(*crowd())
        self.containers = StillContainers(self)
        self.xrays, self.namespaces, self.machine = StillXrays(), StillNamespaces(self), _MACHINE
        self.paths = Paths(Path("/var/lib/boxdeck"), Path("/run/boxdeck"))
        self.images.paths = fake_images.make_layers(folder)
        fake_images.write_own_layer(self.layers.upper)
        ids = {name: image.id for image in self.images.all for name in image.references}
        self.all = [replace(each, image_id=ids.get(each.request.image, each.image_id)) for each in self.all]

    async def check(self, repairs: bool = False) -> AsyncIterator[Finding]:
        for finding in _FINDINGS:
            yield finding

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        for tick in range(_TICKS):
            yield replace(self._snapshot(tick), taken_unix_ns=MOMENT_NS - (_TICKS - 1 - tick) * 10**9)
        await asyncio.Event().wait()


class StillContainers(FakeContainers):
    """With a log that has ended, and all that `inspect` asks for."""

    async def get(self, reference: str) -> Container:
        return self._found(reference)

    async def history(self, reference: str) -> History:
        """Each container's is another share of the same, so that curves over each other are apart."""
        place = [each.id for each in self._engine.all].index(reference)
        found = await super().history(reference)
        return replace(found, hour=_scaled(found.hour, 1 / (place + 1)), day=_scaled(found.day, 1 / (place + 1)))

    async def runtime_spec(self, reference: str) -> bytes:
        return _CONFIG

    async def logs(
        self, reference: str, follow: bool = False, tail: int | None = None, since_unix_ns: int | None = None
    ) -> AsyncIterator[LogLine]:
        for number in range(_LINES):
            text = f"\x1b[32mGET\x1b[0m /index-{number}.html \x1b[1m200\x1b[0m 12 ms"
            at_unix_ns = MOMENT_NS - (_LINES - number) * 10**9
            yield LogLine(at_unix_ns=at_unix_ns, stream="stdout" if number % 9 else "stderr", data=text.encode())
        if follow:
            await asyncio.Event().wait()


def _scaled(series: Series, factor: float) -> Series:
    def scaled(values: object) -> object:
        return tuple(None if value is None else value * factor for value in values) if type(values) is tuple else values

    return replace(series, **{name: scaled(getattr(series, name)) for name in series.__struct_fields__})


class StillXrays:
    """A start and an exec of every container."""

    async def list(self, reference: str, kind: str = "") -> tuple[Recording, ...]:
        return Recording("exec", 2, "exec-2"), Recording("start", 1, "start-1")

    async def open(self, path: str) -> Xray:
        calls = tuple(
            KernelCall(
                at_usec=at,
                duration_usec=took,
                process=process,
                pid=1,
                kind=kind,  # type: ignore[arg-type]
                name=name,
                arguments=words,
                result="0",
                failed=False,
                explanation=f"What {name} is for, in a sentence.",
            )
            for at, took, process, kind, name, words in _CALLS
        )
        return Xray(action="start", subject="x", name="web", began_unix_ns=MOMENT_NS, error="", calls=calls)


class StillNamespaces:
    """What containers and the host see, two kinds of it the same."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    async def portrait(self, reference: str) -> NamespacePortrait:
        number, name, pid = 0, "host", 1
        for place, each in enumerate(self._engine.all, 1):
            if each.id == reference:
                number, name, pid = place, each.name, each.pid or 0
        aspects = (
            NamespaceAspect(kind="user", inode=4026531837 + number, contents=f"0→{200_000 + number * 65_536} x65536"),
            NamespaceAspect(kind="pid", inode=4026532301 + number, contents="5 processes"),
            NamespaceAspect(kind="net", inode=4026532306 + number, contents="eth0, lo"),
            NamespaceAspect(kind="time", inode=4026531834, contents="no offsets"),
        )
        return NamespacePortrait(name=name, pid=pid, aspects=aspects)

    async def list(self) -> tuple[NamespaceEntry, ...]:
        return _EVERY


_CALLS = (
    (120.0, 1100.0, "maker", "namespace", "clone3", "{flags=CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWNET}, 88"),
    (1290.0, 30.0, "maker", "cgroup", "write", '5</sys/fs/cgroup/boxdeck/web/memory.max>, "268435456"'),
    (1400.0, 410.0, "init", "mount", "fsopen", '"proc", FSOPEN_CLOEXEC'),
    (2300.0, 90.0, "engine", "network", "sendto", "NETLINK_ROUTE, RTM_NEWLINK {kind veth, up}"),
    (2600.0, 60.0, "init", "privilege", "seccomp", "SECCOMP_SET_MODE_FILTER, 0, {305 instructions}"),
)
_MACHINE = (
    good("root", "with all that it takes"),
    limited("swap accounting", "isn't there", "add swapaccount=1 to the kernel's command line", "no limit of swap"),
    missing("nftables", "the kernel doesn't have it", "modprobe nf_tables", "no container reaches a network"),
)


_CONFIG = b"""{
  "ociVersion": "1.1.0",
  "hostname": "web",
  "process": {"args": ["nginx", "-g", "daemon off;"], "cwd": "/srv", "env": ["PATH=/usr/bin:/bin"]}
}"""
_MAP = (IdRange(inside=0, outside=200_000, length=65_536),)
_EVERY = (
    NamespaceEntry(kind="user", inode=4026531837, is_host=True, processes=90, pid=1, command="init"),
    NamespaceEntry(
        kind="user", inode=4026532311, parent_inode=4026531837, processes=4, pid=48026, command="postgres",
        containers=("db",), uid_map=_MAP, gid_map=_MAP,
    ),
    NamespaceEntry(kind="user", inode=4026532740, parent_inode=4026532311, processes=1, pid=4711, command="chrome"),
    NamespaceEntry(kind="pid", inode=4026531836, is_host=True, processes=92, pid=1, command="init"),
    NamespaceEntry(
        kind="pid", inode=4026532399, parent_inode=4026531836, processes=4, pid=48013, pids=(48013, 1),
        command="nginx -g daemon off;", containers=("web",),
    ),
    NamespaceEntry(
        kind="ipc", inode=4026532398, owner_inode=4026531837, processes=8, pid=48013, command="nginx -g daemon off;",
        containers=("web", "db"),
    ),
    NamespaceEntry(kind="net", inode=4026531840, is_host=True, processes=92, pid=1, command="init"),
    NamespaceEntry(kind="net", inode=4026532801, owner_inode=4026531837, held_by=("mount /run/netns/blue",)),
)  # fmt: skip
_FINDINGS = (
    Finding(kind="file", place="/var/lib/boxdeck/containers/f00d", problem="belongs to nobody", remedy="deletes it"),
    Finding(
        kind="firewall", place="the table inet boxdeck", problem="lacks the port 8080/tcp of web",
        remedy="adds it", is_mended=True,
    ),
    Finding(
        kind="image", place="nginx:1.27", problem="lacks a layer", remedy="pull it again", is_mendable=False,
    ),
)  # fmt: skip
