"""What has befallen a container at its limits since it was started, counted."""

from __future__ import annotations

from msgspec import Struct


class Incident(Struct, frozen=True, omit_defaults=True):
    """One kind of incident.

    Attributes:
        count: how often since the start of the container.
        last_unix_ns: when it was last seen; 0 when never.
        who: the process that it befell last, by name, where the kernel tells.
    """

    count: int = 0
    last_unix_ns: int = 0
    who: str = ""


class Incidents(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All kinds. Counts never go back while the container runs; a new start begins anew.

    Attributes:
        oom_kills: processes that the kernel killed for lack of memory, the container's own or the machine's.
        oom_stops: times that it was stopped at its memory limit, since its OOM killer is off (v1 only).
        memory_limit: times that it was found at its memory limit with hardly anything that could be dropped. A
            container whose page cache fills its limit is none: that is what page cache does.
        pids_limit: processes and threads that it couldn't start because of its limit of them.
    """

    oom_kills: Incident = Incident()
    oom_stops: Incident = Incident()
    memory_limit: Incident = Incident()
    pids_limit: Incident = Incident()
