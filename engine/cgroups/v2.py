"""A container's cgroup on v2: one folder with all controllers (cgroup-v2.rst)."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterable, Sequence

from engine.cgroups import device_program, device_rules, folders
from engine.cgroups.delegation import delegated
from engine.cgroups.device_rules import DeviceFilter
from engine.cgroups.killing import signal_listed
from engine.cgroups.layout import MANAGED_V2, Layout, require
from engine.cgroups.limits import Write
from engine.cgroups.writes_v2 import Now, needs_now, writes_v2
from engine.cgroups.writing import put_back, undo_of, write_all
from engine.errors import Unsupported
from engine.oci.resources_spec import LinuxResources

_FREEZING_SECONDS = 5.0
_CORE = "cgroup"  # cgroup.max.depth and the like belong to no controller


class V2:
    """The v2 side of `engine.cgroups.manager.Cgroup`.

    Attributes:
        folders: its folder, one only.
        spare: none.
        seat: where processes go, below the folder; empty for the folder itself.
    """

    seat = ""
    spare: tuple[str, ...] = ()

    def __init__(self, layout: Layout, path: str) -> None:
        self._layout = layout
        self._top = layout.unified or ""
        self._path = path
        self._folder = self._top + path
        self.folders = (self._folder,)
        self._descriptor: int | None = None

    @staticmethod
    def preload() -> None:
        """Have the program for the default device rules loaded."""
        if wanted := device_rules.settle(device_rules.DEFAULT_DEVICE_RULES):
            device_program.load(wanted)

    @property
    def main_folder(self) -> str:
        """Where all processes are to be found."""
        return self._folder

    def make(self, resources: LinuxResources, seat: str, made: list[str]) -> None:
        """Make the folder and set the limits.

        Args:
            seat: a folder below for the processes.
            made: gets the folders made.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = writes_v2(resources)
        wanted = device_rules.settle(resources.devices)
        self._require(writes)
        folders.make(self._folder, self._top, made)
        self._enable(writes)
        write_all(writes, self._file)
        if wanted is not None and not wanted.is_open:
            self._add_device_program(wanted)
        if seat:
            self.close()
            self.seat = seat
            folders.make(self._folder + seat, self._top, made)

    def update(self, resources: LinuxResources) -> None:
        """Write the limits that are given, or leave all as it was.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = self._changes(resources)
        wanted = device_rules.settle(resources.devices)
        undo = self.undo_of(resources)
        try:
            write_all(writes, self._file)
            if wanted is not None:
                self._change_device_program(wanted)
        except BaseException:
            self.put_back(undo)
            raise

    def undo_of(self, resources: LinuxResources) -> list[Write]:
        """What puts back the limits that `update` would change, but for the devices; has their controllers enabled.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = self._changes(resources)
        self._require(writes)
        self._enable(writes)
        return undo_of(writes, self._file)

    def put_back(self, undo: Sequence[Write]) -> None:
        """Write what `undo_of` has found."""
        put_back(undo, lambda write: folders.write(self._file(write.controller, write.file), write.value))

    def check(self, resources: LinuxResources) -> None:
        """Refuse what v2 or this machine hasn't got, as far as that can be seen without a cgroup.

        Raises:
            BoxdeckError: naming it.
        """
        self._require(writes_v2(resources))

    def open_descriptor(self) -> int:
        """The folder for clone3 with CLONE_INTO_CGROUP; opened once."""
        if self._descriptor is None:
            self._descriptor = _open(self._folder + self.seat)
        return self._descriptor

    def open_ways_in(self) -> None:
        """Open the descriptor."""
        self.open_descriptor()

    def lead_nowhere(self) -> None:
        """Have something open; nobody is cloned there."""
        self._descriptor = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

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
            signal_listed(self._folder, signal.SIGKILL)

    def set_frozen(self, frozen: bool) -> None:
        """Freeze or thaw, and wait until the kernel says it is done."""
        folders.write(f"{self._folder}/cgroup.freeze", str(int(frozen)))
        deadline = time.monotonic() + _FREEZING_SECONDS
        while folders.value_of(folders.read(f"{self._folder}/cgroup.events"), "frozen") == int(not frozen):
            if time.monotonic() > deadline:
                raise Unsupported("the processes don't freeze", "one of them is stuck in the kernel; try again later")
            time.sleep(0.001)

    def is_frozen(self) -> bool:
        """Whether somebody has frozen it."""
        return folders.read(f"{self._folder}/cgroup.freeze") == "1"

    def signal_all(self, number: int) -> None:
        """A signal to everybody; what is frozen gets it when it thaws."""
        signal_listed(self._folder, number)

    def oom_kills(self) -> int:
        """Processes that the kernel killed for memory, here and below."""
        return folders.value_of(folders.read(f"{self._folder}/memory.events"), "oom_kill") or 0

    def memory_usage_bytes(self) -> int:
        """Memory in use, page cache and all; 0 when the cgroup has gone."""
        return int(folders.read(f"{self._folder}/memory.current") or 0)

    def _changes(self, resources: LinuxResources) -> list[Write]:
        return writes_v2(resources, self._now() if needs_now(resources) else Now())

    def _now(self) -> Now:
        return Now(
            memory_max=folders.read(f"{self._folder}/memory.max"),
            cpu_quota=folders.read(f"{self._folder}/cpu.max").partition(" ")[0] or "max",
        )

    def _require(self, writes: Iterable[Write]) -> None:
        require(self._layout, (write.controller for write in writes if write.controller != _CORE))

    def _enable(self, writes: Iterable[Write]) -> None:
        """Hand controllers down to us, unless that has been done: from the top, or from what systemd leaves to us."""
        ours = delegated(self._path)
        available = _controllers(self._top + ours) if ours else self._layout.controllers
        wanted = [name for name in MANAGED_V2 if name in available]
        wanted += [write.controller for write in writes if write.controller not in (*wanted, _CORE)]
        if set(wanted) <= set(_controllers(self._folder)):
            return
        if ours and (lacking := sorted(set(wanted) - set(available))):
            cause = f"systemd hands no controller {', '.join(lacking)} down to {ours}"
            raise Unsupported(cause, "leave out the limits that need it")
        parent = self._top + ours
        for name in self._path[len(ours) + 1 :].split("/"):
            _enable_controllers(parent, wanted)
            parent = f"{parent}/{name}"

    def _add_device_program(self, wanted: DeviceFilter) -> None:
        device_program.add(self.open_descriptor(), wanted)  # which the clone needs, too

    def _change_device_program(self, wanted: DeviceFilter) -> None:
        descriptor = _open(self._folder)
        try:
            device_program.replace(descriptor, wanted)
        finally:
            os.close(descriptor)

    def _file(self, controller: str, name: str) -> str:
        del controller  # all have their files in the same folder
        return f"{self._folder}/{name}"


def _controllers(folder: str) -> list[str]:
    """Those that a group has."""
    return folders.read(f"{folder}/cgroup.controllers").split()


def _open(folder: str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _enable_controllers(folder: str, wanted: Iterable[str]) -> None:
    enabled = folders.read(f"{folder}/cgroup.subtree_control").split()
    missing = [name for name in dict.fromkeys(wanted) if name not in enabled]
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
