"""The execution domain of a process (personality(2))."""

from __future__ import annotations

from engine.linux import libc

DOMAINS = {"LINUX": 0x0000, "LINUX32": 0x0008}


def set_personality(persona: int) -> None:
    """Give this process and what it executes a personality.

    Raises:
        OSError: the kernel doesn't let us.
    """
    libc.call("personality", persona)
