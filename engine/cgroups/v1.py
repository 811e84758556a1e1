"""A container's cgroups on v1: one folder in each hierarchy of a controller that we manage (cgroup-v1/cgroups.rst)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence

from engine.cgroups import cpuset, device_list, device_rules, folders, io_counting, realtime
from engine.cgroups.device_rules import DeviceFilter
from engine.cgroups.killing import signal_listed
from engine.cgroups.layout import Hierarchy, Layout, require
from engine.cgroups.limits import Write
from engine.cgroups.writes_v1 import writes_v1
from engine.cgroups.writing import put_back, undo_of, write_all, write_lines
from engine.errors import Unsupported
from engine.linux import trace
from engine.oci.resources_spec import LinuxResources

_NOWHERE = "/proc/self/no-such-controller"


class V1:
    """The v1 side of `engine.cgroups.manager.Cgroup`; on a hybrid machine the v2 hierarchy is left alone.

    Attributes:
        folders: its folder in each hierarchy that every container is in.
        spare: where its folders are in the others, if they are there at all.
        seat: where processes go, below the folder; empty for the folder itself.
    """

    seat = ""

    def __init__(self, layout: Layout, path: str) -> None:
        self._layout = layout
        self._path = path
        self.folders = tuple([hierarchy.point + path for hierarchy in layout.hierarchies])
        self.spare = tuple([hierarchy.point + path for hierarchy in layout.spare])
        self._tasks: dict[str, int] = {}

    def preload(self) -> None:
        """Work out what to write for the default device rules, and have disks count."""
        for hierarchy in self._layout.hierarchies:
            if "blkio" in hierarchy.controllers:
                io_counting.begin(hierarchy.point)
        if wanted := device_rules.settle(device_rules.DEFAULT_DEVICE_RULES):
            device_list.settings(wanted)

    @property
    def main_folder(self) -> str:
        """Where all processes are to be found: the freezer's, so that what is frozen is what is listed."""
        return self._folder("freezer") or self.folders[0]

    def make(self, resources: LinuxResources, seat: str, made: list[str]) -> None:
        """Make the folders and set the limits.

        Args:
            seat: a folder below for the processes; containers that have one are in every hierarchy, so that none
                shows them its top.
            made: gets the folders made.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = writes_v1(resources)
        wanted = device_rules.settle(resources.devices)
        self._require(writes, wanted)
        hierarchies = [*self._layout.hierarchies, *(self._layout.spare if seat else self._spare_for(writes))]
        for hierarchy in hierarchies:
            self._make_in(hierarchy, made)
        self._write(writes)
        if wanted is not None and not wanted.is_open:  # a new cgroup has its parent's rules, and can't have more
            self._write_device_settings(wanted)
        if seat:
            self.seat = seat
            for hierarchy in hierarchies:
                self._make_seat(hierarchy, made)
            self._change_realtime(writes)

    def update(self, resources: LinuxResources) -> None:
        """Write the limits that are given, or leave all as it was.

        A hierarchy that they need and we aren't in yet takes our processes.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = writes_v1(resources)
        wanted = device_rules.settle(resources.devices)
        self._require(writes, wanted)
        new = [hierarchy for hierarchy in self._spare_for(writes) if not os.path.isdir(hierarchy.point + self._path)]
        undo = self.undo_of(resources)
        made: list[str] = []
        try:
            for hierarchy in new:
                self._make_in(hierarchy, made)
                if self.seat:
                    self._make_seat(hierarchy, made)
            self._write(writes)
            if wanted is not None:
                self._change_devices(wanted)
        except BaseException:
            self.put_back(undo)
            folders.undo(made)
            raise
        for hierarchy in new:
            self._gather(f"{hierarchy.point}{self._path}{self.seat}/cgroup.procs")

    def undo_of(self, resources: LinuxResources) -> list[Write]:
        """What puts back the limits that `update` would change, but for the devices.

        Raises:
            BoxdeckError: one can't be had.
        """
        writes = writes_v1(resources)
        self._require(writes, None)
        others = undo_of([write for write in writes if write.controller != "cpuset"], self._file)
        return others + [self._cpuset_now(write) for write in writes if write.controller == "cpuset"]

    def _cpuset_now(self, write: Write) -> Write:
        folder = self._folder("cpuset")
        return Write("cpuset", write.file, cpuset.in_force(folder, folder.removesuffix(self._path), write.file))

    def put_back(self, undo: Sequence[Write]) -> None:
        """Write what `undo_of` has found."""
        put_back(undo, lambda write: self._write([write]))

    def check(self, resources: LinuxResources) -> None:
        """Refuse what v1 or this machine hasn't got, as far as that can be seen without a cgroup.

        Raises:
            BoxdeckError: naming it.
        """
        self._require(writes_v1(resources), None)

    def open_descriptor(self) -> None:
        """None: clone3 can't start a process in a v1 cgroup."""

    def close(self) -> None:
        """Close what `open_ways_in` has opened."""
        for descriptor in self._tasks.values():
            os.close(descriptor)
        self._tasks.clear()

    def join(self, pid: int) -> None:
        """Move a process that has one thread only.

        A process that moves itself writes 0 to ``tasks``: that alone spares it the global lock for whose sake
        all others wait for a grace period of RCU, 5 to 10 ms (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
        """
        value = str(pid).encode()
        for path, descriptor in self._tasks.items():
            trace.call(os.write, descriptor, value, path=path)
        if not self._tasks:
            for path in self._task_files():
                _write_bytes(path, value)

    def open_ways_in(self) -> None:
        """Have open what `join` writes to, so that children which are forked from now on needn't."""
        for path in self._task_files():
            if path not in self._tasks:
                self._tasks[path] = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def lead_nowhere(self) -> None:
        """Have `join` write to no file."""
        self._tasks = {"": os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)}

    def _task_files(self) -> list[str]:
        end = f"{self.seat}/tasks"
        made = [folder for folder in self.spare if os.access(folder, os.F_OK)]  # for a limit, perhaps a later one
        return [folder + end for folder in (*self.folders, *made)]

    def kill_all(self) -> None:
        """SIGKILL to everybody, frozen meanwhile where possible, so that nobody outruns us by forking."""
        frozen = self._try_freeze()
        signal_listed(self.main_folder, signal.SIGKILL)
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
        if "freezer" not in self._layout.controllers:
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

    def is_frozen(self) -> bool:
        """Whether somebody has frozen it, or is just doing so."""
        return folders.read(self._file("freezer", "freezer.state")) in ("FROZEN", "FREEZING")

    def signal_all(self, number: int) -> None:
        """A signal to everybody; who is frozen gets it when he thaws."""
        signal_listed(self.main_folder, number)

    def oom_kills(self) -> int:
        """Processes that the kernel killed for memory; on v1 each cgroup counts only its own."""
        texts = [
            folders.read(self._file("memory", f"{seat}memory.oom_control")) for seat in ("", f"{folders.PAYLOAD}/")
        ]
        return sum(folders.value_of(text, "oom_kill") or 0 for text in texts)

    def memory_usage_bytes(self) -> int:
        """Memory in use, page cache and all; 0 when the cgroup has gone."""
        return int(folders.read(self._file("memory", "memory.usage_in_bytes")) or 0)

    def _require(self, writes: Iterable[Write], wanted: DeviceFilter | None) -> None:
        require(self._layout, (write.controller for write in writes))
        if wanted is not None and not wanted.is_open:
            require(self._layout, ("devices",))

    def _spare_for(self, writes: Iterable[Write]) -> list[Hierarchy]:
        needed = {write.controller for write in writes}
        return [hierarchy for hierarchy in self._layout.spare if not needed.isdisjoint(hierarchy.controllers)]

    def _make_in(self, hierarchy: Hierarchy, made: list[str]) -> None:
        folder = hierarchy.point + self._path
        folders.make(folder, hierarchy.point, made)
        if "cpuset" in hierarchy.controllers:
            cpuset.inherit(folder, hierarchy.point)

    def _make_seat(self, hierarchy: Hierarchy, made: list[str]) -> None:
        seat = hierarchy.point + self._path + self.seat
        folders.make(seat, hierarchy.point, made)
        if "cpuset" in hierarchy.controllers:
            cpuset.inherit(seat, hierarchy.point)

    def _write(self, writes: list[Write]) -> None:
        for write in writes:
            if write.controller == "cpuset":
                self._change_cpuset(write)
        self._change_realtime(writes)
        write_all([write for write in writes if not _is_special(write)], self._file)

    def _change_cpuset(self, write: Write) -> None:
        folder = self._folder("cpuset")
        try:
            cpuset.change(folder, write.file, write.value)
        except OSError as error:
            raise folders.refusal(error, f"{folder}/{write.file}", write.value) from error

    def _change_realtime(self, writes: list[Write]) -> None:
        asked = [write for write in writes if write.file.startswith(realtime.PREFIX)]
        if not asked:
            return
        folder = self._folder("cpu")
        try:
            realtime.change(folder, folder.removesuffix(self._path), asked)
        except OSError as error:
            raise folders.refusal(error, f"{folder}/{asked[-1].file}", asked[-1].value) from error

    def _write_device_settings(self, wanted: DeviceFilter) -> None:
        folder = self._folder("devices")
        (file, value), *others = device_list.settings(wanted)
        write_lines(f"{folder}/{file}", [value])
        if others:
            write_lines(f"{folder}/{others[0][0]}", [line for _, line in others])

    def _change_devices(self, wanted: DeviceFilter) -> None:
        """Upper cgroup first: what is allowed must be so above, and what is denied is so below by itself."""
        for folder in (self._folder("devices"), f"{self._folder('devices')}/{folders.PAYLOAD}"):
            if os.path.isdir(folder):
                _change_device_list(folder, wanted)

    def _gather(self, path: str) -> None:
        """Move all our processes; whoever is forked after his parent was moved is there already."""
        while missing := set(folders.processes(self.main_folder)) - set(folders.processes(os.path.dirname(path))):
            for pid in missing:
                try:
                    folders.write(path, str(pid))
                except ProcessLookupError:
                    continue

    def _folder(self, controller: str) -> str:
        """Our folder in a controller's hierarchy; empty where it isn't mounted."""
        for hierarchy in (*self._layout.hierarchies, *self._layout.spare):
            if controller in hierarchy.controllers:
                return hierarchy.point + self._path
        return ""

    def _file(self, controller: str, name: str) -> str:
        """The path of a controller's file; one that can't exist where the controller is missing."""
        return f"{self._folder(controller) or _NOWHERE}/{name}"


def _is_special(write: Write) -> bool:
    return write.controller == "cpuset" or write.file.startswith(realtime.PREFIX)


def _change_device_list(folder: str, wanted: DeviceFilter) -> None:
    changes = device_list.changes(folders.read(f"{folder}/{device_list.LIST_FILE}"), wanted)
    if changes is None:
        if folders.children(folder):  # security/device_cgroup.c, devcgroup_update_access
            cause = "the kernel doesn't change whether devices are allowed by default while there are cgroups below"
            raise Unsupported(cause, "give the container its device rules when it is created")
        changes = list(device_list.settings(wanted))
    for file, value in changes:
        write_lines(f"{folder}/{file}", [value])


def _write_bytes(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        trace.call(os.write, descriptor, value, path=path)
    finally:
        os.close(descriptor)
