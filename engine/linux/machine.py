"""The machine as sysconf(3) has it."""

from __future__ import annotations

import os


def memory_bytes() -> int:
    """All memory that the kernel uses, as MemTotal of proc_meminfo(5)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
