"""What is told of incidents: the events between two totals, oldest first."""

from __future__ import annotations

from typing import NamedTuple

from engine.incidents import Incident, Incidents

_STOPPED = "0 killed, stopped at its memory limit"


class Telling(NamedTuple):
    """What an event is to say, and when it happened, 0 for now; see `engine.model.event.Event`."""

    action: str
    detail: str = ""
    times: int = 0
    at_unix_ns: int = 0


def latest(known: Incidents, said: Incidents) -> Incidents:
    """Of each kind the higher count: what an engine read before another one can't make it less."""
    return Incidents(
        oom_kills=_more(known.oom_kills, said.oom_kills),
        oom_stops=_more(known.oom_stops, said.oom_stops),
        memory_limit=_more(known.memory_limit, said.memory_limit),
        pids_limit=_more(known.pids_limit, said.pids_limit),
    )


def tellings(before: Incidents, after: Incidents) -> list[Telling]:
    """One event for each kind that has become more, however much."""
    kills = _since(before.oom_kills, after.oom_kills)
    found: list[Telling] = []
    if kills:
        found.append(Telling("oom", _killed(kills, after.oom_kills.who), kills, after.oom_kills.last_unix_ns))
    if _since(before.oom_stops, after.oom_stops):
        found.append(Telling("oom", _STOPPED, 0, after.oom_stops.last_unix_ns))
    for which, old, new in (
        ("memory", before.memory_limit, after.memory_limit),
        ("pids", before.pids_limit, after.pids_limit),
    ):
        if met := _since(old, new):
            found.append(Telling("limit", which, met, new.last_unix_ns))
    return sorted(found, key=lambda telling: telling.at_unix_ns)


def _since(before: Incident, after: Incident) -> int:
    return max(0, after.count - before.count)


def _more(known: Incident, said: Incident) -> Incident:
    return said if said.count > known.count else known


def _killed(kills: int, who: str) -> str:
    if not who:
        return f"{kills} killed"
    return f"{kills} killed: {who}" if kills == 1 else f"{kills} killed, last {who}"
