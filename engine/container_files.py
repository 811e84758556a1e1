"""Small files of a running container, read from outside."""

from __future__ import annotations

import os
import stat

from engine.linux.paths import open_in_root

_LIMIT_BYTES = 1 << 20


def read(pid: int | None, path: str) -> bytes:
    """A file as the process sees it from its root, whose links can't lead out of it (CVE-2019-14271 is such a lead).

    Returns:
        At most a mebibyte of it; empty when there is no such file, it isn't a plain one, or the process has gone.
    """
    try:
        root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    finally:
        os.close(root)
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _LIMIT_BYTES) if regular else b""
    finally:
        os.close(descriptor)
