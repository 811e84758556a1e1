"""Reads what one cgroup uses, again and again, through descriptors that stay open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cgroups.layout import Layout
from engine.cgroups.statistics.files import LOOKS_TO_A_CONTROLLER, ControllerOff, OpenFiles
from engine.cgroups.statistics.usage import Usage

if TYPE_CHECKING:
    from engine.cgroups.statistics.v1 import V1Source
    from engine.cgroups.statistics.v2 import V2Source

MOST_FILES = 14  # that a reader keeps open
_AT_A_TIME = 2  # slow files that are read in one look


class UsageReader:
    """The reader of one cgroup, a container's or any other.

    On v2 a look takes at most seven system calls, and on v1 nine; of a cgroup that rests four and two. The first look
    reads all files, and every sixteenth asks for each that isn't there, whose controller may have been turned on.
    Parts that say the same as at the look before are the very same objects. How old a figure may be says the source:
    `engine.cgroups.statistics.v2.V2Source`, or v1's. Who wants less has it cheaper from `engine.cgroups.vitals`, as
    the recorder does.

    Args:
        machine: where control groups are.
        path: below the top of each hierarchy, such as ``/boxdeck/3f2a…``; ``/`` is the top itself.

    Raises:
        FileNotFoundError: there is no such cgroup at all.
        OSError: EMFILE, too many descriptors.
    """

    def __init__(self, machine: Layout, path: str) -> None:
        self._machine = machine
        self._path = path.rstrip("/")
        self._looks = 0
        self._open()

    def _open(self) -> None:
        self._files = OpenFiles(_AT_A_TIME)
        try:
            self._source = _source(self._machine, self._path, self._files)
            if not self._files.are_there:
                raise FileNotFoundError(2, "no such cgroup", self._path or "/")
        except OSError:
            self._files.close()
            raise

    def read(self) -> Usage | None:
        """What it uses now; None when it has gone, which one failed read tells."""
        self._looks += 1
        if not self._looks % LOOKS_TO_A_CONTROLLER and self._files.have_come:
            return self._read_anew()
        try:
            return self._source.read()
        except OSError:  # ENODEV
            return None
        except ControllerOff:
            return self._read_anew()

    def _read_anew(self) -> Usage | None:
        """As `read`, with the files that there are now."""
        self.close()
        try:
            self._open()
            return self._source.read()
        except (OSError, ControllerOff):  # it has gone after all
            return None

    def close(self) -> None:
        """Close the descriptors."""
        self._files.close()


def read_once(machine: Layout, path: str) -> Usage | None:
    """What the cgroup at a path uses now; None when there is none, or descriptors have run out."""
    try:
        reader = UsageReader(machine, path)
    except OSError:
        return None
    try:
        return reader.read()
    finally:
        reader.close()


def _source(machine: Layout, path: str, files: OpenFiles) -> V1Source | V2Source:
    """The side that this machine has; the other one isn't even imported."""
    if machine.version == "v2":
        from engine.cgroups.statistics.v2 import V2Source

        return V2Source(f"{machine.unified}{path}", files)
    from engine.cgroups.statistics.v1 import V1Source

    return V1Source(machine, path, files)
