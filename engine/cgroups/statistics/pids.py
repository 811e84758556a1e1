"""Processes of a control group, which both versions tell alike."""

from __future__ import annotations

from engine.cgroups.statistics.usage import PidsUsage


def parse_pids(current: int | None, limit_hits: int) -> PidsUsage | None:
    """From pids.current and pids.events; None without the controller."""
    return PidsUsage(current, limit_hits) if current is not None else None
