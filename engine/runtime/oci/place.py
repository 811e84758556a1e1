"""Where a container's control group is, and who makes it (config-linux.md, "Cgroups Path")."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from engine.cgroups.manager import Cgroup
from engine.oci.linux_spec import Linux


class Place(NamedTuple):
    """One of these is empty.

    Attributes:
        path: below the top of each hierarchy.
        slice, scope: of systemd, which makes the control group then.
    """

    path: str = ""
    slice: str = ""
    scope: str = ""


def choose(linux: Linux, container_id: str, by_systemd: bool) -> Place:
    """The place that a config.json asks for, or one of our choice.

    Raises:
        InvalidRequest: its form isn't systemd's.
    """
    if by_systemd:
        from engine.cgroups import systemd

        name = systemd.parse_path(linux.cgroups_path, container_id)
        return Place(slice=name.slice, scope=name.scope)
    path = os.path.normpath("/" + linux.cgroups_path.lstrip("/"))  # a relative one begins at the top; above is nothing
    return Place(path if path != "/" else f"/{container_id}")


@contextmanager
def made(place: Place, linux: Linux) -> Iterator[Cgroup]:
    """The control group with its limits; when it is left by an exception, everybody in it ends, and it is removed.

    Raises:
        BoxdeckError: it can't be made, or a limit can't be had.
    """
    if place.scope:
        from engine.cgroups import systemd

        with systemd.scope(systemd.ScopeName(place.slice, place.scope), linux.resources) as cgroup:
            yield cgroup
        return
    cgroup = Cgroup.create(place.path, linux.resources)
    try:
        yield cgroup
    except BaseException:
        cgroup.kill()
        cgroup.remove()
        raise
