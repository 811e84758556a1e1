"""Which devices a container may open or make: rules in their order boiled down to a default and its exceptions."""

from __future__ import annotations

import functools
from typing import NamedTuple

from engine.errors import InvalidRequest
from engine.oci.resources_spec import LinuxDeviceCgroup

MKNOD, READ, WRITE = 1, 2, 4  # as the kernel counts them: BPF_DEVCG_ACC_*, and DEVCG_ACC_* on v1
ALL_ACCESS = MKNOD | READ | WRITE

_LETTERS = {"m": MKNOD, "r": READ, "w": WRITE}
_WRONG = ALL_ACCESS + 1  # a bit of its own
_MOST_NUMBER = (1 << 32) - 1

# The devices that every container has (config-linux.md, "Default Devices"), which the rules of nobody take away;
# and making a node of any device, which opens nothing by itself. Not 5:1, the console of the machine, though runc has
# it: a container's own is a terminal of its devpts.
ALWAYS_ALLOWED = (
    LinuxDeviceCgroup(allow=True, type="c", access="m"),
    LinuxDeviceCgroup(allow=True, type="b", access="m"),
    *(
        LinuxDeviceCgroup(allow=True, type="c", major=major, minor=minor, access="rwm")
        for major, minor in (
            (1, 3),  # null
            (1, 5),  # zero
            (1, 7),  # full
            (1, 8),  # random
            (1, 9),  # urandom
            (5, 0),  # tty
            (5, 2),  # ptmx
            (136, None),  # pts/*
        )
    ),
)
DEFAULT_DEVICE_RULES = (LinuxDeviceCgroup(allow=False, access="rwm"), *ALWAYS_ALLOWED)


class Rule(NamedTuple):
    """A rule about devices of one type, ``b`` or ``c``; a number that is None is any.

    Attributes:
        access: a sum of `MKNOD`, `READ` and `WRITE`.
    """

    allow: bool
    type: str
    major: int | None
    minor: int | None
    access: int


class DeviceFilter(NamedTuple):
    """What rules amount to.

    Attributes:
        allow: whether a device that no rule speaks of may be used.
        rules: the others, the last that speaks of a device and an access wins.
    """

    allow: bool
    rules: tuple[Rule, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it lets everything pass."""
        return self.allow and all(rule.allow for rule in self.rules)


@functools.cache
def settle(rules: tuple[LinuxDeviceCgroup, ...]) -> DeviceFilter | None:
    """The filter that a device list means, with the devices that every container has; None without a list.

    Raises:
        InvalidRequest: an access that isn't made of ``r``, ``w`` and ``m``, or a number below -1.
    """
    if not rules:
        return None
    allow, kept = True, list[Rule]()
    for rule in (*rules, *ALWAYS_ALLOWED):
        major, minor, access = _number(rule.major), _number(rule.minor), _access(rule.access)
        types = (rule.type,) if rule.type in ("b", "c") else ("b", "c")
        if len(types) == 2 and major is None and minor is None and access == ALL_ACCESS:
            allow, kept = rule.allow, []  # whatever was said before counts no more
        else:
            kept += [Rule(rule.allow, kind, major, minor, access) for kind in types]
    return DeviceFilter(allow, tuple(dict.fromkeys(kept[::-1]))[::-1])


def _number(number: int | None) -> int | None:
    """A major or minor number; -1 is any, as in runc and in the kernel's own lists."""
    if number is None or number == -1:
        return None
    if not 0 <= number <= _MOST_NUMBER:
        raise InvalidRequest(f"{number} is no device number in a device rule", "write 0 or more, or leave it out")
    return number


def _access(text: str | None) -> int:
    if text is None:
        return ALL_ACCESS
    access = 0
    for letter in text:
        access |= _LETTERS.get(letter, _WRONG)
    if not 0 < access < _WRONG:
        raise InvalidRequest(f"{text!r} is no access in a device rule", "write some of r, w and m (mknod)")
    return access
