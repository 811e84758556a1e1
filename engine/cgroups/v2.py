"""A container's cgroup on v2: one folder with all controllers (cgroup-v2.rst)."""

from __future__ import annotations

import errno
import os
import time

from engine.cgroups import folders, limits
from engine.cgroups.killing import kill_listed
from engine.cgroups.layout import MANAGED_V2, Layout
from engine.errors import Unsupported
from engine.model import Limits
from engine.oci.runtime_spec import LinuxResources

_FREEZING_SECONDS = 5.0


class V2:
    """The v2 side of `engine.cgroups.manager.Cgroup`.

    Attributes:
        folders: (top of the hierarchy, folder of the cgroup), one pair only.
        seat: where processes go, below the folder; empty for the folder itself.
    """

    seat = ""

    def __init__(self, layout: Layout, path: str) -> None:
        self._top = layout.unified or ""
        self._path = path
        self._folder = self._top + path
        self.folders = ((self._top, self._folder),)
        self._descriptor: int | None = None

    @property
    def main_folder(self) -> str:
        """Where all processes are to be found."""
        return self._folder

    def prepare(self) -> None:
        """Hand our controllers down from the top to the parent (cgroup-v2.rst, "Enabling and Disabling")."""
        parent = self._top
        _enable_controllers(parent)
        for name in self._path.strip("/").split("/")[:-1]:
            parent = f"{parent}/{name}"
            _enable_controllers(parent)

    def apply(self, resources: LinuxResources) -> None:
        """Write the limits.

        Raises:
            BoxdeckError: one can't be had.
        """
        for write in limits.writes_v2(resources):
            folders.write_limit(f"{self._folder}/{write.file}", write.value)

    def open_descriptor(self) -> int | None:
        """The folder for clone3 with CLONE_INTO_CGROUP; opened once."""
        if self._descriptor is None:
            self._descriptor = os.open(self._folder + self.seat, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._descriptor

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def join(self, pid: int) -> None:
        """Move a process here."""
        folders.write(f"{self._folder}{self.seat}/cgroup.procs", str(pid))

    def kill_all(self) -> None:
        """SIGKILL to everybody at once; one by one before Linux 5.14, which brought cgroup.kill."""
        try:
            folders.write(f"{self._folder}/cgroup.kill", "1")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):  # ENODEV: removed by somebody else just now
                raise
            kill_listed(self._folder)

    def set_frozen(self, frozen: bool) -> None:
        """Freeze or thaw, and wait until the kernel says it is done."""
        folders.write(f"{self._folder}/cgroup.freeze", str(int(frozen)))
        deadline = time.monotonic() + _FREEZING_SECONDS
        while folders.value_of(folders.read(f"{self._folder}/cgroup.events"), "frozen") == int(not frozen):
            if time.monotonic() > deadline:
                raise Unsupported("the processes don't freeze", "one of them is stuck in the kernel; try again later")
            time.sleep(0.001)

    def oom_kills(self) -> int:
        """Processes that the kernel killed for memory, here and below."""
        return folders.value_of(folders.read(f"{self._folder}/memory.events"), "oom_kill") or 0

    def read_limits(self) -> Limits:
        """The limits in force on this cgroup itself."""
        return limits.limits_v2(
            memory_max=folders.read(f"{self._folder}/memory.max"),
            cpu_max=folders.read(f"{self._folder}/cpu.max"),
            pids_max=folders.read(f"{self._folder}/pids.max"),
        )


def _enable_controllers(folder: str) -> None:
    available = folders.read(f"{folder}/cgroup.controllers").split()
    enabled = folders.read(f"{folder}/cgroup.subtree_control").split()
    missing = [name for name in MANAGED_V2 if name in available and name not in enabled]
    if not missing:
        return
    try:
        folders.write(f"{folder}/cgroup.subtree_control", " ".join(f"+{name}" for name in missing))
    except OSError as error:
        raise _explained(error, folder, missing) from error


def _explained(error: OSError, folder: str, missing: list[str]) -> Unsupported:
    cause = f"the controllers {', '.join(missing)} can't be enabled below {folder} ({error.strerror})"
    if error.errno == errno.EBUSY:  # cgroup-v2.rst, "No Internal Process Constraint"
        return Unsupported(cause, "move the processes in that cgroup into one below it")
    return Unsupported(cause, "root is needed, and a cgroup file system that isn't read-only")
