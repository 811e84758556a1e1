"""Pressure: how long somebody waited for a resource; apart from `engine.model` because what reads cgroups knows it."""

from __future__ import annotations

from msgspec import Struct


class Stall(Struct, frozen=True, kw_only=True, gc=False):
    """How much of the time somebody waited (accounting/psi.rst): percent over the last 10, 60 and 300 seconds."""

    avg10_percent: float
    avg60_percent: float
    avg300_percent: float
    total_usec: int


class Pressure(Struct, frozen=True, kw_only=True, gc=False):
    """Stalls of one resource: `some` is time in which at least one task waited, `full` in which all of them did."""

    some: Stall
    full: Stall | None = None


def parse_pressure(text: bytes) -> Pressure | None:
    """From a ``*.pressure`` file of a cgroup, or one of /proc/pressure.

    It has a line such as ``some avg10=0.12 avg60=0.00 avg300=0.00 total=4711``, and mostly one with ``full``, which
    the machine's processors haven't before Linux 5.13. None for a text that isn't such a one.
    """
    stalls = {words[0]: _stall(words) for line in text.splitlines() if len(words := line.split()) == 5}
    some = stalls.get(b"some")
    return None if some is None else Pressure(some=some, full=stalls.get(b"full"))


def _stall(words: list[bytes]) -> Stall:
    values = [word.partition(b"=")[2] for word in words[1:]]
    return Stall(
        avg10_percent=float(values[0]),
        avg60_percent=float(values[1]),
        avg300_percent=float(values[2]),
        total_usec=int(values[3]),
    )
