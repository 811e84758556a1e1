"""The cgroup of one container, whatever the kernel offers: made, joined, frozen, killed and removed."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from engine.cgroups import folders, layout, limits
from engine.cgroups.v1 import V1
from engine.cgroups.v2 import V2
from engine.errors import InvalidRequest, NotFound, RuntimeFailure
from engine.model import Limits
from engine.oci.runtime_spec import LinuxResources

_DYING_SECONDS = 10.0


class Cgroup:
    """A cgroup at the same path in every hierarchy that matters.

    Made by `create`, or by `open` for one that exists. Cheap to keep; on v2 it may hold one descriptor.

    Attributes:
        path: below the top of each hierarchy, such as ``/boxdeck/3f2a…``.
    """

    def __init__(self, path: str) -> None:
        self.path = _checked(path)
        machine = layout.detect()
        self._kind: V1 | V2 = V2(machine, self.path) if machine.version == "v2" else V1(machine, self.path)

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
        layout.require(layout.detect(), limits.required_controllers(resources))
        cgroup = cls(path)
        with ExitStack() as undo:
            for top, folder in cgroup._kind.folders:
                undo.enter_context(folders.make(folder, top))
            cgroup._kind.prepare()
            cgroup._kind.apply(resources)
            if below_limits:
                cgroup._kind.seat = f"/{folders.PAYLOAD}"
                for top, folder in cgroup._kind.folders:
                    undo.enter_context(folders.make(folder + cgroup._kind.seat, top))
            undo.pop_all()
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
        return cgroup

    @property
    def folders(self) -> tuple[str, ...]:
        """Its folder in each hierarchy."""
        return tuple(folder for _, folder in self._kind.folders)

    @property
    def descriptor(self) -> int | None:
        """What clone3 takes with CLONE_INTO_CGROUP: the folder on v2 (kept open), None on v1."""
        return self._kind.open_descriptor()

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

    def update(self, resources: LinuxResources) -> None:
        """Change the limits given; the others stay.

        Raises:
            BoxdeckError: as `create`.
        """
        layout.require(layout.detect(), limits.required_controllers(resources))
        self._kind.apply(resources)

    def oom_kills(self) -> int:
        """How many processes the kernel has killed here for lack of memory."""
        return self._kind.oom_kills()

    def read_limits(self) -> Limits:
        """The limits in force, as the kernel has rounded them."""
        return self._kind.read_limits()

    def remove(self) -> bool:
        """Remove it and all below it in every hierarchy; what is gone already is fine.

        Returns:
            Whether it is gone; False when processes remain in it.
        """
        self._kind.close()
        return folders.remove(self.folders)


def list_children(parent: str) -> list[str]:
    """Names of all cgroups below ``/parent`` in any hierarchy, sorted: our containers', dead or alive."""
    return sorted({name for folder in _folders(f"/{parent}") for name in folders.children(folder)})


def remove_parent(parent: str) -> bool:
    """Remove ``/parent`` from every hierarchy if no container is left in it; whether it is gone."""
    gone = [folders.remove_if_empty(folder) for folder in _folders(f"/{parent}")]
    return all(gone)


def _folders(path: str) -> tuple[str, ...]:
    return Cgroup(path).folders


def _checked(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or path == "/" or any(part in ("", ".", "..") for part in parts[1:]):
        raise InvalidRequest(f"{path!r} is not a path of a cgroup", "write it as /parent/name")
    return path
