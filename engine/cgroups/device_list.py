"""The device filter of cgroup v1: a default and a list of exceptions that the kernel keeps (cgroup-v1/devices.rst).

The kernel's exceptions all say the same, "allowed" or "denied", and the first that covers an access as a whole
decides. So rules that allow and deny in turn are worked out here; what can't be said in such a list is refused.
"""

from __future__ import annotations

import functools

from engine.cgroups.device_rules import ALL_ACCESS, MKNOD, READ, WRITE, DeviceFilter, Rule
from engine.errors import Unsupported

ALLOW_FILE, DENY_FILE, LIST_FILE = "devices.allow", "devices.deny", "devices.list"
EVERYTHING = "a"

Key = tuple[str, int | None, int | None]  # type, major and minor number

_OPEN_LIST = "a *:* rwm"  # what devices.list says while everything is allowed but the exceptions, which it keeps quiet
_LETTERS = tuple(
    "".join(letter for bit, letter in ((READ, "r"), (WRITE, "w"), (MKNOD, "m")) if access & bit)
    for access in range(ALL_ACCESS + 1)
)


def exceptions(wanted: DeviceFilter) -> dict[Key, int]:
    """What differs from the default of a filter: devices, and the accesses that are of the other kind.

    Raises:
        Unsupported: a rule takes back a part of an earlier, wider one, which only cgroup v2 can do.
    """
    kept: dict[Key, int] = {}
    for rule in wanted.rules:
        if rule.allow is wanted.allow:
            _take_back(kept, rule)
        else:
            key = (rule.type, rule.major, rule.minor)
            kept[key] = kept.get(key, 0) | rule.access
    return {key: access for key, access in _widened(kept).items() if access}


def changes(text: str, wanted: DeviceFilter) -> list[tuple[str, str]] | None:
    """(file, value) to write to a cgroup in use, so that what is allowed before and after stays so all the time.

    Args:
        text: its ``devices.list``.

    Returns:
        None where the default has to change, for which the kernel has to forget all exceptions first.
    """
    if wanted.allow or text.strip() == _OPEN_LIST:
        return None
    lines = [line.rpartition(" ") for line in text.splitlines()]
    now = {device: _LETTERS.index(access) for device, _, access in lines}
    then = {_device(key): access for key, access in exceptions(wanted).items()}
    more = [(ALLOW_FILE, f"{key} {_LETTERS[access]}") for key, access in then.items() if access & ~now.get(key, 0)]
    gone = [(key, access & ~then.get(key, 0)) for key, access in now.items()]
    return more + [(DENY_FILE, f"{key} {_LETTERS[access]}") for key, access in gone if access]


@functools.cache
def settings(wanted: DeviceFilter) -> tuple[tuple[str, str], ...]:
    """(file, value) to write to a cgroup that has neither processes nor cgroups below it."""
    default, other = (ALLOW_FILE, DENY_FILE) if wanted.allow else (DENY_FILE, ALLOW_FILE)
    others = [(other, f"{_device(key)} {_LETTERS[access]}") for key, access in exceptions(wanted).items()]
    return ((default, EVERYTHING), *others)


def _device(key: Key) -> str:
    kind, major, minor = key
    return f"{kind} {'*' if major is None else major}:{'*' if minor is None else minor}"


def _take_back(kept: dict[Key, int], rule: Rule) -> None:
    key = (rule.type, rule.major, rule.minor)
    for other, access in kept.items():
        if not access & rule.access or not _overlap(key, other):
            continue
        if not _covers(key, other):
            raise Unsupported(
                f"cgroup v1 can't make an exception from a device rule ({_device(key)} from {_device(other)})",
                "list the devices one by one, or use cgroup v2",
            )
        kept[other] = access & ~rule.access


def _widened(kept: dict[Key, int]) -> dict[Key, int]:
    """Each with what wider entries give it, too: one entry of the list must cover an access as a whole."""
    wide = [(key, access) for key, access in kept.items() if key[1] is None or key[2] is None]
    for key in kept:
        for other, access in wide:
            if _covers(other, key):
                kept[key] |= access
    return kept


def _overlap(one: Key, other: Key) -> bool:
    kinds, majors, minors = zip(one, other, strict=True)
    return kinds[0] == kinds[1] and all(None in pair or pair[0] == pair[1] for pair in (majors, minors))


def _covers(wide: Key, narrow: Key) -> bool:
    return wide[0] == narrow[0] and wide[1] in (None, narrow[1]) and wide[2] in (None, narrow[2])
