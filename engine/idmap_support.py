"""Where files can be shown with other ids: which file systems take idmapped mounts (mount_setattr(2))."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.compile.placement import IdmapOption
from engine.runtime.idmap import can_idmap

_Known = dict[str, bool]


class IdmapSupport:
    """Answers from trying, which costs a process for a moment; so they are kept in a file until the machine restarts.

    Args:
        file: where, in the run-time folder.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: _Known | None = None

    def obstacle(self, *places: str) -> str:
        """Why there can be no user namespace whose root owns these files and folders; empty when there can be one."""
        if not _has_user_namespaces():
            return "the kernel allows none (sysctl user.max_user_namespaces)"
        stuck = next((place for place in places if os.path.exists(place) and not self.can_map(place)), "")
        return f"the file system of {stuck} can't show files with other ids" if stuck else ""

    def can_map(self, path: str) -> bool:
        """Whether the file system at a path can be mounted with other ids."""
        key = _key(path)
        known = self._read()
        if key not in known:
            known[key] = can_idmap(path)
            self._write(known)
        return known[key]

    def option(self, source: str, recursive: bool) -> IdmapOption:
        """The mount option that maps the ids of a bind mount: of the whole tree, of its top alone, or of nothing."""
        if not self.can_map(source):
            return ""
        below = _mounts_below(source) if recursive else []
        return "ridmap" if recursive and all(map(self.can_map, below)) else "idmap"

    def _read(self) -> _Known:
        if self._known is None:
            try:
                self._known = msgspec.json.decode(self._file.read_bytes(), type=_Known)
            except (OSError, msgspec.MsgspecError):
                self._known = {}
        return self._known

    def _write(self, known: _Known) -> None:
        aside = self._file.with_suffix(f".{os.getpid()}")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(msgspec.json.encode(known))
        aside.replace(self._file)


def _has_user_namespaces() -> bool:
    try:
        return int(Path("/proc/sys/user/max_user_namespaces").read_text()) > 0
    except (OSError, ValueError):
        return False


def _key(path: str) -> str:
    """What tells file systems apart, also when a device number is used anew."""
    return f"{os.stat(path).st_dev}:{os.statvfs(path).f_fsid}"


def _mounts_below(path: str) -> list[str]:
    prefix = f"{os.path.realpath(path).rstrip('/')}/"
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [point for point in points if point.startswith(prefix) and os.path.exists(point)]
