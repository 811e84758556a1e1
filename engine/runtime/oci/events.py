"""``events``: what a container uses, once or again and again, as runc prints it; and when memory runs out."""

from __future__ import annotations

import sys
import time
from contextlib import closing

from msgspec import Struct

from engine.cgroups import oom
from engine.cgroups.events import runc_oom, runc_stats
from engine.cgroups.manager import Cgroup
from engine.cgroups.oom import OomWatch, watch_oom
from engine.errors import InvalidRequest
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.record import Record
from engine.runtime.oci.status import running_cgroup
from engine.runtime.oci.verb import Call, Verb

_LOOK_SECONDS = 0.25  # how often it is looked whether the container has ended
_UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    stats: bool = False
    interval: str = "5s"


def action(call: Call) -> int:
    """Print them, until the container has ended."""
    options: Options = call.options
    interval = seconds(options.interval)
    cgroup = running_cgroup(call.settings.state_root, call.container_id)
    if options.stats:
        _print(runc_stats(cgroup, call.container_id))
    else:
        record = Folder(call.settings.state_root, call.container_id).record()
        with closing(watch_oom(cgroup)) as watch:
            _follow(record, cgroup, watch, interval)
    return 0


def _follow(record: Record, cgroup: Cgroup, watch: OomWatch, interval: float) -> None:
    due = time.monotonic()
    while record.is_alive:
        if time.monotonic() >= due:
            due += interval
            _print(runc_stats(cgroup, record.container_id))
        times = oom.wait(watch, max(0.0, min(_LOOK_SECONDS, due - time.monotonic())))
        if times is None:
            return
        for _ in range(times):
            _print(runc_oom(record.container_id))


def _print(line: bytes) -> None:
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def seconds(text: str) -> float:
    """A duration such as ``500ms``, ``5s`` or ``1m``, in the form of Go.

    Raises:
        InvalidRequest: it is none, or not more than nothing.
    """
    for unit, factor in _UNITS:
        number = text.removesuffix(unit)
        if number != text and number.replace(".", "", 1).isdecimal() and float(number) > 0:
            return float(number) * factor
    raise InvalidRequest(f"{text!r} is no interval", "write it as 500ms, 5s or 1m")


VERB = Verb(
    help="print what a container uses, and when its memory runs out",
    usage="ID",
    least=1,
    most=1,
    flags=(
        Flag("stats", "switch", "print what it uses once"),
        Flag("interval", "text", "how often; 5s if absent"),
    ),
    options=Options,
    action=action,
)
