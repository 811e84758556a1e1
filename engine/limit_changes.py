"""What becomes of a container's limits when somebody changes some of them: values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec.structs import asdict, replace

from engine.cgroups import raw_settings
from engine.compile import device_limits
from engine.compile.cpu_limits import CPU_PERIOD_USEC
from engine.limits import DeviceLimit, HugetlbLimit, Limits

_Item = TypeVar("_Item")

_RATES = ("device_read_bytes", "device_written_bytes", "device_reads", "device_writes")
_DEVICES = (*_RATES, "device_weights")
_LISTS = (*_DEVICES, "hugetlb", "unified")
_TOGETHER = (  # limits that mean something, or can be judged, only with the others
    ("memory_bytes", "memory_swap_bytes"),
    ("cpus", "cpu_quota_usec", "cpu_period_usec", "cpu_burst_usec"),
    ("cpu_shares", "cpu_idle"),
)


def changed(limits: Limits, change: Limits) -> Limits:
    """All limits after a change: those that are given replace the present ones, device by device in lists.

    A disk is the same one by whichever name.
    """
    limits = _made_way(limits, change)
    return replace(
        limits,
        **{name: getattr(change, name) for name in _given(change).difference(_LISTS)},
        **{name: _merged(getattr(limits, name), getattr(change, name), _device) for name in _DEVICES},
        hugetlb=_merged(limits.hugetlb, change.hugetlb, _page_size),
        unified=raw_settings.settled((*limits.unified, *change.unified)),
    )


def touched(limits: Limits, change: Limits) -> Limits:
    """Of all limits after a change those that have to be written for it."""
    given = _given(change)
    for group in _TOGETHER:
        if not given.isdisjoint(group):
            given.update(group)
    scalars = {name: getattr(limits, name) for name in given.difference(_LISTS)}
    return Limits(**scalars, **{name: getattr(change, name) for name in _LISTS})


def lasting(limits: Limits) -> Limits:
    """Limits without rates of 0, which only say that there is no limit any more."""
    return replace(limits, **{name: tuple(rate for rate in getattr(limits, name) if rate.value) for name in _RATES})


def _given(change: Limits) -> set[str]:
    return {name for name, value in asdict(change).items() if value is not None and value != ()}


def _made_way(limits: Limits, change: Limits) -> Limits:
    """The present limits without those that a change says in other words, or makes senseless."""
    limits = _without_other_words(limits, change)
    if change.cpus is not None:
        limits = replace(limits, cpu_quota_usec=None, cpu_period_usec=None)
    elif limits.cpus is not None and (change.cpu_quota_usec, change.cpu_period_usec) != (None, None):
        limits = replace(limits, cpus=None, cpu_quota_usec=_quota(limits.cpus), cpu_period_usec=CPU_PERIOD_USEC)
    if -1 in (change.cpus, change.cpu_quota_usec) and limits.cpu_burst_usec:
        limits = replace(limits, cpu_burst_usec=0)
    if change.memory_bytes == -1:
        limits = replace(limits, memory_swap_bytes=None)
    return replace(limits, cpu_shares=None) if change.cpu_idle else limits


def _without_other_words(limits: Limits, change: Limits) -> Limits:
    """Without raw settings of what the change has by name, and without names of what it has as raw settings."""
    given, named = _given(change), raw_settings.NAMED
    raw = tuple(each for each in limits.unified if given.isdisjoint(named.get(each.file, ())))
    names = {name for each in change.unified for name in named.get(each.file, ())}
    return replace(limits, unified=raw, **dict.fromkeys(names))


def _quota(cpus: float) -> int:
    return -1 if cpus == -1 else round(cpus * CPU_PERIOD_USEC)


def _merged(before: Iterable[_Item], after: Iterable[_Item], key: Callable[[_Item], str]) -> tuple[_Item, ...]:
    return tuple({key(item): item for item in (*before, *after)}.values())


def _device(limit: DeviceLimit) -> str:
    return device_limits.identity(limit.device)


def _page_size(limit: HugetlbLimit) -> str:
    return limit.page_size
