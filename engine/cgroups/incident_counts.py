"""Incidents as the kernel counts them."""

from __future__ import annotations

import time

from msgspec.structs import replace

from engine.cgroups.trouble import Trouble, find
from engine.cgroups.victims import last_victim
from engine.incidents import Incident, Incidents
from engine.linux import kernel_log


def count(path: str, known: Incidents) -> Incidents:
    """What is known and what a cgroup has counted since, for one whose shim can't say it any more."""
    found = find(path)
    return with_refusals(with_kills(known, found, path), found)


def with_kills(known: Incidents, found: Trouble, path: str) -> Incidents:
    """What is known, with the kernel's count of kills, and who was killed last if there are more of them."""
    if (kills := found.oom_kills()) <= known.oom_kills.count:
        return known
    return replace(known, oom_kills=now(kills, last_victim(kernel_log.records(), path)))


def with_refusals(known: Incidents, found: Trouble) -> Incidents:
    """What is known, with the kernel's count of processes that weren't started."""
    if (refused := found.pids_refused()) <= known.pids_limit.count:
        return known
    return replace(known, pids_limit=now(refused))


def now(count: int, who: str = "") -> Incident:
    """An incident that has just been seen."""
    return Incident(count, time.time_ns(), who)
