"""How many files this process may have open: more when it looks at many containers, and no more for its children."""

from __future__ import annotations

import resource
import select
from collections.abc import Iterable

_MOST = 1 << 20  # the kernel's own limit (fs.nr_open), where the hard limit is none

_first: list[tuple[int, int]] = []
"""Soft and hard limit as they were before they were raised for the first time."""


def make_room(wanted: int) -> int:
    """Raise the soft limit, as far as the hard one lets it, so that so many descriptors fit beside all others.

    Returns:
        How many of them do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < min(2 * wanted, most):
        _first[:] = _first or [(soft, hard)]
        soft = min(2 * wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft // 2


def give_back(pid: int) -> None:
    """Let a child, and those that it will start, have what this process had: some programs close all that they may."""
    if _first:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, _first[0])


def readable(descriptors: Iterable[int], timeout_seconds: float) -> bool:
    """Whether one of them becomes readable in time, as a pidfd does at its process's end; with any number (poll(2))."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_seconds * 1000))
