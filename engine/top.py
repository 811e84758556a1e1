"""What the processes inside a container use: who they are from /proc, what they have used by psutil."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil
from msgspec import Struct
from msgspec.structs import replace

from engine import container_files, processes
from engine.cgroups.manager import Cgroup
from engine.images.users import names_by_uid
from engine.model import IdRange, ProcessInfo
from engine.printable import printable
from engine.processes import Process

_KEPT_SECONDS = 60.0  # how long a look counts as the one before
_USEC = 1_000_000


class _Used(Struct, frozen=True):
    """What one process had used at a moment of the monotonic clock."""

    started_unix_ns: int
    cpu_usec: int
    at_ns: int


class _Look(Struct, frozen=True):
    at_seconds: float
    used: dict[int, _Used]


class _Surroundings(Struct, frozen=True):
    """What is the same for all processes of a container: how deep its pids are, its ids and the names for them."""

    depth: int
    uid_map: tuple[IdRange, ...]
    names: dict[int, str]

    def uid_inside(self, uid: int) -> int | None:
        """What a user of ours is in there; None for one that isn't mapped."""
        found = (each.inside_of(uid) for each in self.uid_map)
        return next((each for each in found if each is not None), None)

    def user(self, uid: int) -> str:
        """Its name in there, or its number there, or ours where it has none."""
        number = self.uid_inside(uid)
        return str(uid) if number is None else self.names.get(number, str(number))


class Top:
    """Looks at processes of containers, and remembers the look before for the sake of percents."""

    def __init__(self) -> None:
        self._looks: dict[str, _Look] = {}

    def look(self, cgroup_path: str, first_pid: int, proportional: bool = False) -> tuple[ProcessInfo, ...]:
        """All processes in a container's cgroup, `exec`'s included, parents before children.

        Who ends meanwhile is left out. Costs two to four system calls a process, and with `proportional` a walk
        through all its pages; call it in a thread.

        Args:
            first_pid: of the container's first process, whose view of pids and users is told.
            proportional: find out `ProcessInfo.proportional_bytes`, too.
        """
        found = (processes.read(pid) for pid in Cgroup(cgroup_path).processes())
        members = [process for process in found if process is not None]
        before = self._looks.get(cgroup_path)
        around = _surroundings(first_pid, members)
        used: dict[int, _Used] = {}
        infos = [
            info
            for process in processes.parents_first(members)
            if (info := _described(process, around, before, used, proportional)) is not None
        ]
        self._remember(cgroup_path, used)
        return tuple(infos)

    def _remember(self, cgroup_path: str, used: dict[int, _Used]) -> None:
        now = time.monotonic()
        recent = {path: look for path, look in self._looks.items() if look.at_seconds > now - _KEPT_SECONDS}
        self._looks = {**recent, cgroup_path: _Look(now, used)}


def _described(
    process: Process, around: _Surroundings, before: _Look | None, used: dict[int, _Used], proportional: bool
) -> ProcessInfo | None:
    """One process with what it uses, which is also put into `used`; None when it has gone."""
    try:
        reader = psutil.Process(process.pid)
        with reader.oneshot():
            times = reader.cpu_times()
            now = _Used(
                started_unix_ns=round(reader.create_time() * 1e9),
                cpu_usec=round((times.user + times.system) * _USEC),
                at_ns=time.monotonic_ns(),
            )
            state = str(reader.status())
        shares = _proportional_bytes(reader) if proportional else None
    except psutil.NoSuchProcess:
        return None
    used[process.pid] = now
    return replace(
        process.seen_at(around.depth),
        uid=process.uid,
        uid_inside=around.uid_inside(process.uid),
        user=around.user(process.uid),
        state=state,
        started_unix_ns=now.started_unix_ns,
        cpu_usec=now.cpu_usec,
        cpu_percent=_percent(now, before.used.get(process.pid) if before else None),
        proportional_bytes=shares,
    )


def _percent(now: _Used, before: _Used | None) -> float | None:
    """Of one processor since the look before; None where that saw another process, or none."""
    if before is None or before.started_unix_ns != now.started_unix_ns or now.at_ns <= before.at_ns:
        return None
    return max(now.cpu_usec - before.cpu_usec, 0) * 1e5 / (now.at_ns - before.at_ns)


def _proportional_bytes(reader: psutil.Process) -> int | None:
    try:
        return int(reader.memory_full_info().pss)
    except psutil.AccessDenied:
        return None


def _surroundings(first_pid: int, members: Sequence[Process]) -> _Surroundings:
    first = next((process for process in members if process.pid == first_pid), None)
    return _Surroundings(
        depth=len(first.pids) - 1 if first else 1,
        uid_map=processes.id_map(first_pid, "uid_map"),
        names={
            uid: printable(name) for uid, name in names_by_uid(container_files.read(first_pid, "etc/passwd")).items()
        },
    )
