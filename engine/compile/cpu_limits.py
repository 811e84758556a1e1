"""Limits of processor time, and which processors and memory nodes there are to choose from."""

from __future__ import annotations

import os

from engine.cgroups.lists import numbers
from engine.errors import InvalidRequest
from engine.model import Limits

CPU_PERIOD_USEC = 100_000
_MINIMUM_QUOTA_USEC = 1000  # sched-bwc.rst
_PERIODS_USEC = range(1000, 1_000_001)
_SHARES = range(2, 262_145)
_ONLINE_PROCESSORS = "/sys/devices/system/cpu/online"
_ONLINE_NODES = "/sys/devices/system/node/online"


def quota_and_period(limits: Limits) -> tuple[int | None, int | None]:
    """Microseconds of processor time, -1 without limit, in how many; None is not asked for.

    Raises:
        InvalidRequest: two words for one limit, or a number that can't be.
    """
    if limits.cpus is not None and (limits.cpu_quota_usec, limits.cpu_period_usec) != (None, None):
        raise InvalidRequest("--cpus is another word for --cpu-quota and --cpu-period", "give the one or the others")
    if limits.cpus is not None and limits.cpus != -1:
        return _quota_of(limits.cpus), CPU_PERIOD_USEC
    quota, period = limits.cpu_quota_usec, limits.cpu_period_usec
    if quota is not None and quota < _MINIMUM_QUOTA_USEC and quota != -1:
        raise InvalidRequest(f"a CPU quota of {quota} is too small", "give at least 1000 microseconds, or -1 for none")
    if period is not None and period not in _PERIODS_USEC:
        raise InvalidRequest(f"{period} is not a CPU period", "give 1000 to 1000000 microseconds")
    return (-1 if limits.cpus == -1 else quota), period


def _quota_of(cpus: float) -> int:
    quota, there = round(cpus * CPU_PERIOD_USEC), os.cpu_count() or 1
    if quota < _MINIMUM_QUOTA_USEC:
        raise InvalidRequest(f"{cpus} is not a number of CPUs", "give the container at least 0.01")
    if cpus > there:
        raise InvalidRequest(f"{cpus:g} CPUs are more than this machine has", f"give the container at most {there}")
    return quota


def burst(limits: Limits, quota: int | None) -> int | None:
    """What may be saved up of a quota.

    Raises:
        InvalidRequest: there is no quota, or a smaller one.
    """
    saved = limits.cpu_burst_usec
    if not saved:
        return saved
    if quota is None or quota == -1:
        raise InvalidRequest("a CPU burst is saved up from a quota, and there is none", "add --cpus or --cpu-quota")
    if not 0 < saved <= quota:
        raise InvalidRequest(f"a CPU burst of {saved} microseconds is not within the quota of {quota}", "lower it")
    return saved


def shares(limits: Limits) -> int | None:
    """The share of busy processors.

    Raises:
        InvalidRequest: it isn't one, or the container is to have none.
    """
    if limits.cpu_shares is None:
        return None
    if limits.cpu_shares not in _SHARES:
        raise InvalidRequest(f"{limits.cpu_shares} is not a share of CPUs", "give a number from 2 to 262144")
    if limits.cpu_idle:
        raise InvalidRequest("a container that only gets idle CPU time has no share", "give --cpu-shares or --cpu-idle")
    return limits.cpu_shares


def processors(text: str | None) -> str:
    """A list of processors that are all there; empty when not asked for.

    Raises:
        InvalidRequest: it can't be read, or one isn't there.
    """
    return _among(text, _ONLINE_PROCESSORS, "CPU")


def memory_nodes(text: str | None) -> str:
    """A list of memory nodes that are all there; empty when not asked for.

    Raises:
        InvalidRequest: it can't be read, or one isn't there.
    """
    return _among(text, _ONLINE_NODES, "memory node")


def _among(text: str | None, online: str, what: str) -> str:
    if not text:
        return ""
    try:
        wanted = numbers(text)
    except ValueError:
        wanted = frozenset()
    if not wanted:
        raise InvalidRequest(f"{text!r} is not a list of {what}s", "write it as 0-3,7")
    there = _read(online)
    if missing := sorted(wanted - numbers(there)):
        raise InvalidRequest(f"this machine has no {what} {missing[0]}", f"choose among {there}")
    return text


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:  # a kernel without NUMA has one node
        return "0"
