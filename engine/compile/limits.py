"""Resource limits of processes, from docker's words to the specification's (getrlimit(2))."""

from __future__ import annotations

from engine.errors import InvalidRequest
from engine.oci.process_spec import Rlimit
from engine.options import Ulimit

NAMES = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip
UNLIMITED = (1 << 64) - 1


def rlimits(ulimits: tuple[Ulimit, ...]) -> tuple[Rlimit, ...]:
    """What is set before the program is executed; of two for the same resource the later counts.

    Raises:
        InvalidRequest: there is no such limit, or the soft one is above the hard one.
    """
    return tuple({ulimit.name: _rlimit(ulimit) for ulimit in ulimits}.values())


def _rlimit(ulimit: Ulimit) -> Rlimit:
    if ulimit.name not in NAMES:
        raise InvalidRequest(f"there is no limit {ulimit.name!r}", f"choose one of {', '.join(NAMES)}")
    soft, hard = _value(ulimit.soft), _value(ulimit.hard)
    if soft > hard:
        raise InvalidRequest(f"the soft limit of {ulimit.name} is above the hard one", "write it as SOFT:HARD")
    return Rlimit(type=f"RLIMIT_{ulimit.name.upper()}", soft=soft, hard=hard)


def _value(number: int) -> int:
    if not -1 <= number < UNLIMITED:
        raise InvalidRequest(f"{number} can't be a limit", "give a number from 0, or -1 for none")
    return UNLIMITED if number == -1 else number
