"""The cgroup of one container, whatever the kernel offers: made, joined, frozen, killed and removed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.cgroups import folders, layout
from engine.cgroups.layout import Layout
from engine.cgroups.limits import Write
from engine.errors import InvalidRequest, NotFound, RuntimeFailure, Unsupported
from engine.oci.resources_spec import LinuxMemory, LinuxResources

if TYPE_CHECKING:
    from engine.cgroups.v1 import V1
    from engine.cgroups.v2 import V2
    from engine.limits import Limits

_DYING_SECONDS = 10.0


class Cgroup:
    """A cgroup at the same path in every hierarchy that matters.

    Made by `create`, or by `open` for one that exists. Cheap to keep; it may hold descriptors, on v2 one.

    Attributes:
        path: below the top of each hierarchy, such as ``/boxdeck/3f2a…``.
    """

    def __init__(self, path: str) -> None:
        self.path = _checked(path)
        self._kind = _kind(layout.detect(), self.path)

    @classmethod
    def create(cls, path: str, resources: LinuxResources, below_limits: bool = False) -> Cgroup:
        """Make the cgroup and set its limits, or leave nothing behind.

        Args:
            below_limits: put processes in a cgroup one level down. Their cgroup namespace begins there then, and
                whoever is root in it and manages to mount the hierarchy doesn't find the files with the limits.

        Raises:
            InvalidRequest: the path can't be one, or the kernel refuses a limit.
            Unsupported: a controller or file that a limit needs isn't there, or we may not make cgroups.
            Conflict: the cgroup exists and has processes.
        """
        cgroup = cls(path)
        made: list[str] = []
        try:
            cgroup._kind.make(resources, f"/{folders.PAYLOAD}" if below_limits else "", made)
        except BaseException:
            cgroup._kind.close()
            folders.undo(made)
            raise
        return cgroup

    @classmethod
    def open(cls, path: str) -> Cgroup:
        """An existing cgroup.

        Raises:
            NotFound: there is none at this path.
        """
        cgroup = cls(path)
        if not any(os.path.isdir(folder) for folder in cgroup.folders):
            raise NotFound(f"there is no cgroup {path}")
        if os.path.isdir(f"{cgroup._kind.main_folder}/{folders.PAYLOAD}"):
            cgroup._kind.seat = f"/{folders.PAYLOAD}"
        return cgroup

    @classmethod
    def expected(cls, path: str, below_limits: bool) -> Cgroup:
        """One that somebody else makes meanwhile, for whoever joins it when it is told that it is there.

        Args:
            below_limits: as for `create`.
        """
        cgroup = cls(path)
        cgroup._kind.seat = f"/{folders.PAYLOAD}" if below_limits else ""
        return cgroup

    @classmethod
    @contextlib.contextmanager
    def nowhere(cls) -> Iterator[Cgroup]:
        """One that nobody makes, and that can be joined all the same in these lines, to no effect."""
        cgroup = cls("/nowhere")
        cgroup._kind.lead_nowhere()
        try:
            yield cgroup
        finally:
            cgroup._kind.close()

    @property
    def folders(self) -> tuple[str, ...]:
        """Its folder in each hierarchy that every container is in."""
        return self._kind.folders

    @property
    def descriptor(self) -> int | None:
        """What clone3 takes with CLONE_INTO_CGROUP: the folder on v2 (kept open), None on v1."""
        return self._kind.open_descriptor()

    @property
    def is_below_limits(self) -> bool:
        """Whether processes go into a cgroup one level down."""
        return bool(self._kind.seat)

    def open_ways_in(self) -> None:
        """Have open what it takes to be cloned into it or to `join` it, for one that many are to enter; kept open.

        Raises:
            OSError: it has gone.
        """
        self._kind.open_ways_in()

    def join(self, pid: int) -> None:
        """Move a process here; on v1 it must be single-threaded. A pid of 0 is the caller, by far the cheapest on v1.

        Raises:
            OSError: ESRCH when it has gone, EAGAIN at the limit of processes.
        """
        self._kind.join(pid)

    def processes(self) -> list[int]:
        """Pids of all processes here and below."""
        return folders.processes(self._kind.main_folder)

    def kill(self) -> None:
        """SIGKILL to every process here and below, until there is none.

        Raises:
            RuntimeFailure: some don't die, as those in an uninterruptible sleep.
        """
        if not self.processes():
            return
        deadline = time.monotonic() + _DYING_SECONDS
        pause = 0.0005
        while self._kill_once():
            if time.monotonic() > deadline:
                raise RuntimeFailure(f"processes in the cgroup {self.path} don't die", "see what they wait for with ps")
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _kill_once(self) -> bool:
        """Signal everybody; whether anybody is left."""
        self._kind.kill_all()
        return bool(self.processes())

    def freeze(self) -> None:
        """Stop every process where it is.

        Raises:
            Unsupported: there is no freezer, or a process can't be frozen.
        """
        self._kind.set_frozen(True)

    def thaw(self) -> None:
        """Let frozen processes run on."""
        self._kind.set_frozen(False)

    @property
    def is_frozen(self) -> bool:
        """Whether somebody has frozen it."""
        return self._kind.is_frozen()

    def signal_all(self, number: int) -> None:
        """A signal to every process here and below; one that is forked at this moment may be missed."""
        self._kind.signal_all(number)

    def update(self, resources: LinuxResources) -> None:
        """Change the limits given; the others stay, and so do all when one is refused.

        Raises:
            BoxdeckError: as `create`.
        """
        memory = resources.memory
        if memory is not None and memory.check_before_update:
            self._check_memory(memory)
        self._kind.update(resources)

    def undo_of(self, resources: LinuxResources) -> list[Write]:
        """What `put_back` takes to have the limits again as they are before an `update`, but for the devices.

        Raises:
            BoxdeckError: as `update`, for what isn't there.
        """
        return self._kind.undo_of(resources)

    def put_back(self, undo: Sequence[Write]) -> None:
        """Have limits as they were, as far as the kernel still takes them; nothing where the cgroup has gone."""
        self._kind.put_back(undo)

    def _check_memory(self, memory: LinuxMemory) -> None:
        """config-linux.md, `checkBeforeUpdate`: no limit below what is in use, which would kill."""
        usage = self._kind.memory_usage_bytes()
        for limit in (memory.limit, memory.swap):
            if limit is not None and 0 < limit < usage:
                cause = f"the memory limit {limit} is below the {usage} bytes in use"
                raise InvalidRequest(cause, "free some memory first, or set a higher one")

    def oom_kills(self) -> int:
        """How many processes the kernel has killed here for lack of memory."""
        return self._kind.oom_kills()

    def read_limits(self) -> Limits:
        """All limits of this very cgroup, as the kernel has rounded them; what binds is `engine.cgroups.in_force`."""
        from engine.cgroups.read_back import read_back

        return read_back(layout.detect(), self.path)

    def remove(self) -> bool:
        """Remove it and all below it in every hierarchy; what is gone already is fine.

        Returns:
            Whether it is gone; False when processes remain in it.
        """
        self._kind.close()
        return folders.remove((*self._kind.folders, *self._kind.spare))

    def discard(self) -> bool:
        """Remove it; where that fails because somebody is left, kill everybody and remove it then.

        For the end of a container, which leaves nobody behind as a rule: that costs no look at who is there.

        Raises:
            RuntimeFailure: as `kill`.
        """
        self._kind.close()
        left = [folder for folder in (*self._kind.folders, *self._kind.spare) if not folders.remove_quickly(folder)]
        if not left:
            return True
        self.kill()
        return self.remove()


def preload() -> None:
    """Find out once what every container needs of this machine; children that are forked later have it, too.

    On v2 that leaves a descriptor open, closed on exec: the program for the default device rules. What can't be had
    is said when a container needs it.
    """
    with contextlib.suppress(OSError, Unsupported):
        _kind(layout.detect(), "/").preload()


def check(resources: LinuxResources) -> None:
    """Refuse limits that this machine hasn't got, before anything is made; files are looked for when they are written.

    Raises:
        Unsupported: naming the limit or its controller.
        InvalidRequest: a value that can't be one.
    """
    _kind(layout.detect(), "/").check(resources)


def list_children(parent: str) -> list[str]:
    """Names of all cgroups below ``/parent`` in any hierarchy, sorted: our containers', dead or alive."""
    return sorted({name for folder in _folders(f"/{parent}") for name in folders.children(folder)})


def remove_parent(parent: str) -> bool:
    """Remove ``/parent`` from every hierarchy if no container is left in it; whether it is gone."""
    gone = [folders.remove_if_empty(folder) for folder in _folders(f"/{parent}")]
    return all(gone)


def _kind(machine: Layout, path: str) -> V1 | V2:
    """The side that this machine has; the other one isn't even imported."""
    if machine.version == "v2":
        from engine.cgroups.v2 import V2

        return V2(machine, path)
    from engine.cgroups.v1 import V1

    return V1(machine, path)


def _folders(path: str) -> tuple[str, ...]:
    kind = Cgroup(path)._kind
    return (*kind.folders, *kind.spare)


def _checked(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or path == "/" or any(part in ("", ".", "..") for part in parts[1:]):
        raise InvalidRequest(f"{path!r} is not a path of a cgroup", "write it as /parent/name")
    return path
