"""Limits as people type them; -1 is no limit, and what can't be raises `argparse.ArgumentTypeError` with a sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError

from engine.cli import values
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit

_NONE = ("0", "-1")


def size(text: str) -> int:
    """Bytes such as ``512m``; 0 and -1 are no limit."""
    return -1 if text in _NONE else values.memory_size(text) or -1


def swap_size(text: str) -> int | None:
    """As `size`, but 0 is not asked for, as docker has it."""
    return None if text == "0" else size(text)


def processors(text: str) -> float:
    """Processors' worth of time such as ``1.5``; 0 is no limit."""
    return values.processors(text) or -1


def whole(text: str) -> int:
    """A whole number, such as one of microseconds, shares or percent."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def huge_pages(text: str) -> HugetlbLimit:
    """``2MB:64m``, or with -1 for no limit; here a 0 allows none at all."""
    page_size, colon, limit = text.partition(":")
    if not colon or not page_size.isalnum():
        raise ArgumentTypeError(f"{text!r} doesn't limit huge pages; write SIZE:LIMIT such as 2MB:64m")
    return HugetlbLimit(page_size, 0 if limit == "0" else size(limit))


def device_bytes(text: str) -> DeviceLimit:
    """``/dev/sda:1m`` or ``8:0:1m``, a second; 0 is no limit."""
    device, rate = _device(text, "/dev/sda:1m")
    return DeviceLimit(device, values.memory_size(rate) or 0)


def device_number(text: str) -> DeviceLimit:
    """A weight, or operations a second, such as ``/dev/sda:500`` or ``8:0:500``; 0 operations are no limit."""
    device, number = _device(text, "/dev/sda:500")
    if not number.isdecimal():
        raise ArgumentTypeError(f"{text!r} ends with no number; write it as /dev/sda:500")
    return DeviceLimit(device, int(number))


def setting(text: str) -> CgroupSetting:
    """``memory.high=64M``: a file of cgroup v2 and what to write to it."""
    file, equals, value = text.partition("=")
    if not equals or not file or not value:
        raise ArgumentTypeError(f"{text!r} sets nothing; write FILE=VALUE such as memory.min=64M")
    return CgroupSetting(file, value)


def _device(text: str, example: str) -> tuple[str, str]:
    device, _, value = text.rpartition(":")
    if not device or not value:
        raise ArgumentTypeError(f"{text!r} doesn't limit a device; write it as {example}")
    return device, value
