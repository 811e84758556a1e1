"""The machine as sysconf(3) and uname(2) have it."""

from __future__ import annotations

import os

_major, _minor = os.uname().release.replace("-", ".").split(".")[:2]
KERNEL_VERSION = (int(_major), int(_minor))
"""Major and minor number."""


def memory_bytes() -> int:
    """All memory that the kernel uses, as MemTotal of proc_meminfo(5)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
