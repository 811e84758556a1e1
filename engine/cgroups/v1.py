"""A container's cgroups on v1: one folder in each hierarchy of a controller that we manage (cgroup-v1/cgroups.rst)."""

from __future__ import annotations

import os
import time

from engine.cgroups import folders, limits
from engine.cgroups.killing import kill_listed
from engine.cgroups.layout import Layout
from engine.errors import Unsupported
from engine.model import Limits
from engine.oci.runtime_spec import LinuxResources


class V1:
    """The v1 side of `engine.cgroups.manager.Cgroup`; on a hybrid machine the v2 hierarchy is left alone.

    Attributes:
        folders: (top of the hierarchy, folder of the cgroup) for each hierarchy.
        seat: where processes go, below the folder; empty for the folder itself.
    """

    seat = ""

    def __init__(self, layout: Layout, path: str) -> None:
        self.folders = tuple((hierarchy.point, hierarchy.point + path) for hierarchy in layout.hierarchies)
        self._by_controller = {
            controller: hierarchy.point + path
            for hierarchy in layout.hierarchies
            for controller in hierarchy.controllers
        }

    @property
    def main_folder(self) -> str:
        """Where all processes are to be found: the freezer's, so that what is frozen is what is listed."""
        return self._by_controller.get("freezer") or self.folders[0][1]

    def prepare(self) -> None:
        """Nothing: v1 hierarchies offer their controllers everywhere."""

    def apply(self, resources: LinuxResources) -> None:
        """Write the limits.

        Raises:
            BoxdeckError: one can't be had.
        """
        for write in limits.writes_v1(resources):
            folders.write_limit(self._file(write.controller, write.file), write.value)

    def open_descriptor(self) -> None:
        """None: clone3 can't start a process in a v1 cgroup."""

    def close(self) -> None:
        """Nothing is open."""

    def join(self, pid: int) -> None:
        """Move a process that has one thread only.

        A process that moves itself writes 0 to ``tasks``: that alone spares it the global lock for whose sake
        all others wait for a grace period of RCU, 5 to 10 ms (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
        """
        for _, folder in self.folders:
            folders.write(f"{folder}{self.seat}/tasks", str(pid))

    def kill_all(self) -> None:
        """SIGKILL to everybody, frozen meanwhile where possible, so that nobody outruns us by forking."""
        frozen = self._try_freeze()
        kill_listed(self.main_folder)
        if frozen:  # signals reach frozen processes only when they thaw
            self._thaw_or_gone()

    def _thaw_or_gone(self) -> None:
        try:
            self.set_frozen(False)
        except OSError:
            if os.path.isdir(self.main_folder):
                raise  # otherwise all have died, and somebody else has removed the cgroup already

    def set_frozen(self, frozen: bool, patience_seconds: float = 5.0) -> None:
        """Freeze or thaw, and wait until the kernel says it is done (freezer-subsystem.rst)."""
        if "freezer" not in self._by_controller:
            raise Unsupported("the freezer controller is not available here", "mount it, or stop the container instead")
        wanted = "FROZEN" if frozen else "THAWED"
        path = self._file("freezer", "freezer.state")
        deadline = time.monotonic() + patience_seconds
        folders.write(path, wanted)
        while (state := folders.read(path)) and state != wanted:
            if time.monotonic() > deadline:
                folders.write(path, "THAWED")
                raise Unsupported("the processes don't freeze", "one of them is stuck in the kernel; try again later")
            time.sleep(0.001)
            folders.write(path, wanted)  # once more: who was forked meanwhile may have slipped through

    def _try_freeze(self) -> bool:
        try:
            self.set_frozen(True, patience_seconds=0.5)
        except (OSError, Unsupported):
            return False
        return True

    def oom_kills(self) -> int:
        """Processes that the kernel killed for memory; on v1 each cgroup counts only its own."""
        texts = [
            folders.read(self._file("memory", f"{seat}memory.oom_control")) for seat in ("", f"{folders.PAYLOAD}/")
        ]
        return sum(folders.value_of(text, "oom_kill") or 0 for text in texts)

    def read_limits(self) -> Limits:
        """The limits in force on this cgroup itself."""
        return limits.limits_v1(
            memory_limit=folders.read(self._file("memory", "memory.limit_in_bytes")),
            cfs_quota=folders.read(self._file("cpu", "cpu.cfs_quota_us")),
            cfs_period=folders.read(self._file("cpu", "cpu.cfs_period_us")),
            pids_max=folders.read(self._file("pids", "pids.max")),
        )

    def _file(self, controller: str, name: str) -> str:
        """The path of a controller's file; one that can't exist where the controller is missing."""
        return os.path.join(self._by_controller.get(controller, "/proc/self/no-such-controller"), name)
