"""Sealed copies of executables, so that nobody can write to what we run (memfd_create(2), fcntl(2) seals)."""

from __future__ import annotations

import fcntl
import os

_F_ADD_SEALS = 1033
_SEAL_EVERYTHING = 0x1 | 0x2 | 0x4 | 0x8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
_MFD_CLOEXEC = 0x1
_MFD_ALLOW_SEALING = 0x2
_MFD_EXEC = 0x10  # since 6.3; without it a strict vm.memfd_noexec makes the copy unexecutable


def sealed_copy(path: str, name: str) -> int:
    """A read-only descriptor of an anonymous, sealed and executable copy of a file.

    Raises:
        OSError: the file can't be read, or there is no memory for it.
    """
    descriptor = _create(name)
    try:
        with open(path, "rb", buffering=0) as source:
            size = os.fstat(source.fileno()).st_size
            while size > 0 and (sent := os.sendfile(descriptor, source.fileno(), None, size)) > 0:
                size -= sent
        fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_EVERYTHING)
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(descriptor)


def _create(name: str) -> int:
    flags = _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    try:
        return os.memfd_create(name, flags | _MFD_EXEC)
    except OSError:  # EINVAL before 6.3
        return os.memfd_create(name, flags)
