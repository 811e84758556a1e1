"""Where our cgroups may be: at the top of the tree, or on a machine with systemd in a scope that it leaves to us.

systemd owns the tree of cgroup v2 where it runs, and others may make groups only below a unit with Delegate=yes
(systemd.io, "Control Group APIs and Delegation"). One scope a root is enough. A scope lives as long as there is a
process in it: launchers and shims are, one level down in `MONITORS`, since a group that hands controllers down has no
processes of its own (cgroup-v2.rst, "No Internal Process Constraint"). So a session that ends takes no container along.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache

from engine.cgroups import folders, layout
from engine.errors import RuntimeFailure

MONITORS = "monitors"
SLICE = "system.slice"

_RUNNING = "/run/systemd/system"  # sd_booted(3)
_UNITS = (".scope", ".service")
_INFINITY = (1 << 64) - 1
_TRIES = 3


@cache
def is_needed() -> bool:
    """Whether systemd runs here and owns the cgroups: on v1 it leaves the controllers to whoever wants them."""
    return os.path.isdir(_RUNNING) and layout.detect().version == "v2"


def place(name: str) -> str:
    """Where a parent of containers' cgroups of this name is, below the top: ``boxdeck``, or a scope of systemd's."""
    return f"{SLICE}/{name}.scope" if is_needed() else name


def delegated(path: str) -> str:
    """The part of a path down to the unit that is left to us, such as ``/system.slice/boxdeck.scope``; or empty."""
    parts = path.split("/")
    ends = [number for number, part in enumerate(parts, start=1) if part.endswith(_UNITS)]
    return "/".join(parts[: ends[0]]) if ends else ""


def enter(parent: str, pid: int) -> None:
    """Put a process of ours, and all that it will beget, into a scope; made with it as its first if there is none.

    Args:
        parent: as `place` gave it.

    Raises:
        BoxdeckError: systemd refuses, or can't be reached.
    """
    folder = f"{layout.detect().unified}/{parent}"
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # there is none, or it is going just now
            if not os.path.isdir(folder):
                _start(os.path.basename(parent), pid)
            with contextlib.suppress(FileExistsError):
                os.mkdir(f"{folder}/{MONITORS}", 0o755)
            folders.write(f"{folder}/{MONITORS}/cgroup.procs", str(pid))
            return
    raise RuntimeFailure(f"the control group {parent} comes and goes", "see: journalctl -b")


def _start(scope: str, pid: int) -> None:
    from engine.cgroups import systemd_bus  # its bus is wanted once in the life of a scope

    systemd_bus.start(
        scope,
        [
            ("Description", ("s", "containers of Boxdeck")),
            ("Slice", ("s", SLICE)),
            ("PIDs", ("au", [pid])),
            ("Delegate", ("b", True)),
            ("TasksMax", ("t", _INFINITY)),
            ("DefaultDependencies", ("b", False)),  # else it would end with the first step of a shutdown
            ("CollectMode", ("s", "inactive-or-failed")),
        ],
    )
