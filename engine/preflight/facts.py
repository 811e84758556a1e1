"""What a machine is like, as far as it matters here; all of it is read or tried at once, and judged elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from msgspec import Struct

from engine.cgroups.layout import Layout, detect
from engine.errors import Unsupported
from engine.preflight import trials

_NAMESPACES = ("user", "mnt", "uts", "ipc", "pid", "net", "cgroup", "time")
_NEEDED_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN")


class Facts(Struct, frozen=True, kw_only=True):
    """One machine, seen by one user.

    Attributes:
        is_root: whether we are.
        lacking_capabilities: of those that making containers takes.
        kernel: major and minor number.
        layout: None where no control groups are mounted.
        known_controllers: of the kernel, mounted or not.
        readonly_cgroups: mount points of control groups that can't be written to.
        namespaces: the kinds that the kernel has.
        max_user_namespaces: None without user namespaces.
        root: the nearest folder that exists on the way to where images and containers are kept.
        can_idmap: whether files there can be shown with other ids; None where that can't be tried.
        free_bytes: of the file system there.
        overlay, network, firewall: why an overlay there, a bridge with a veth pair, or our table of nf_tables couldn't
            be made; empty where they could, None where that couldn't be tried.
        has_seccomp: whether the kernel filters system calls.
        libseccomp: why the library can't be loaded; empty where it can.
        has_pressure: whether the kernel tells of stalls.
    """

    is_root: bool
    lacking_capabilities: tuple[str, ...]
    kernel: tuple[int, int]
    layout: Layout | None
    known_controllers: frozenset[str]
    readonly_cgroups: tuple[str, ...]
    namespaces: frozenset[str]
    max_user_namespaces: int | None
    root: str
    can_idmap: bool | None
    free_bytes: int
    overlay: str | None
    network: str | None
    firewall: str | None
    has_seccomp: bool
    libseccomp: str
    has_pressure: bool


def collect(root: Path) -> Facts:
    """Look at this machine, and try in namespaces that live for a moment what only trying tells.

    Not for a process with threads: it forks.

    Args:
        root: where images and containers are or will be kept.
    """
    from engine.runtime.idmap import can_idmap

    is_root, lacking, layout, place = os.geteuid() == 0, _lacking(), _layout(), _nearest(root)
    storage, can_try = os.statvfs(place), is_root and not lacking
    return Facts(
        is_root=is_root,
        lacking_capabilities=lacking,
        kernel=_version(os.uname().release),
        layout=layout,
        known_controllers=_known_controllers(layout),
        readonly_cgroups=_readonly(layout),
        namespaces=frozenset(name for name in _NAMESPACES if os.path.exists(f"/proc/self/ns/{name}")),
        max_user_namespaces=_number("/proc/sys/user/max_user_namespaces"),
        root=str(place),
        can_idmap=can_idmap(str(place)) if can_try else None,
        free_bytes=storage.f_bavail * storage.f_frsize,
        overlay=trials.overlay(place) if can_try else None,
        network=trials.network() if can_try else None,
        firewall=trials.firewall() if can_try else None,
        has_seccomp=os.path.exists("/proc/sys/kernel/seccomp/actions_avail"),
        libseccomp=_libseccomp(),
        has_pressure=os.path.exists("/proc/pressure/cpu"),
    )


def _layout() -> Layout | None:
    try:
        return detect()
    except Unsupported:
        return None


def _known_controllers(layout: Layout | None) -> frozenset[str]:
    rows = [line.split() for line in _text("/proc/cgroups").splitlines() if not line.startswith("#")]
    listed = {row[0] for row in rows if len(row) == 4 and row[3] == "1"}
    return frozenset(listed | set(layout.controllers if layout is not None else ()))


def _readonly(layout: Layout | None) -> tuple[str, ...]:
    if layout is None:
        return ()
    points = [hierarchy.point for hierarchy in layout.hierarchies] or [layout.unified or ""]
    return tuple(point for point in points if point and os.statvfs(point).f_flag & os.ST_RDONLY)


def _lacking() -> tuple[str, ...]:
    from engine.linux import capabilities

    had = capabilities.permitted()
    return tuple(name for name in _NEEDED_CAPABILITIES if not had & capabilities.mask((name,)))


def _version(release: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _nearest(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _libseccomp() -> str:
    from engine.linux import libseccomp

    try:
        libseccomp.load()
    except OSError as error:
        return str(error)
    return ""


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
