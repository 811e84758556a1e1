"""HOME of a process whose config.json gives it none: callers count on the runtime to look it up in the container."""

from __future__ import annotations

import os
import stat

from msgspec import structs

from engine.oci.process_spec import Process

_LONGEST_BYTES = 1 << 20


def with_home(process: Process) -> Process:
    """The process with a HOME, its user's in /etc/passwd; to be called where "/" is the container's root."""
    if any(entry.startswith("HOME=") for entry in process.env):
        return process
    return structs.replace(process, env=(*process.env, f"HOME={_home_of(process.user.uid)}"))


def _home_of(uid: int) -> str:
    """The home of the first account with this id (passwd(5)); "/" where there is none."""
    for line in _passwd().splitlines():
        fields = line.split(b":")
        if len(fields) > 5 and fields[2] == str(uid).encode():
            return os.fsdecode(fields[5]) or "/"
    return "/"


def _passwd() -> bytes:
    """The file, if it is one: an image may have a pipe there, which nobody writes to."""
    try:
        descriptor = os.open("/etc/passwd", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _LONGEST_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
