"""A made-up engine that stands still: the same state at the same moment, however often and wherever one looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from engine.model import LogLine, NamespaceAspect, NamespacePortrait, Snapshot
from engine.model.xray import KernelCall, Xray
from engine.preflight.part import good, limited, missing
from engine.xray.xrays import Recording
from tests.tui import fake_engine, fake_images
from tests.tui.fake_engine import FakeEngine, crowd

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
    """The crowd after 75 seconds, and nothing happens any more."""

    def __init__(self) -> None:
        super().__init__(*crowd())
        self.containers.logs = _logs  # type: ignore[method-assign]
        self.xrays, self.namespaces, self.machine = StillXrays(), StillNamespaces(self), _MACHINE

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        for tick in range(_TICKS):
            yield self._snapshot(tick)
        await asyncio.Event().wait()


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


async def _logs(
    reference: str, follow: bool = False, tail: int | None = None, since_unix_ns: int | None = None
) -> AsyncIterator[LogLine]:
    for number in range(_LINES):
        text = f"\x1b[32mGET\x1b[0m /index-{number}.html \x1b[1m200\x1b[0m 12 ms"
        at_unix_ns = MOMENT_NS - (_LINES - number) * 10**9
        yield LogLine(at_unix_ns=at_unix_ns, stream="stdout" if number % 9 else "stderr", data=text.encode())
    if follow:
        await asyncio.Event().wait()
