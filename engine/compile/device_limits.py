"""Block devices in limits: named by people by path or number, known to the kernel by number."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable

from engine.errors import InvalidRequest
from engine.limits import DeviceLimit
from engine.oci.resources_spec import LinuxThrottleDevice, LinuxWeightDevice

MOST_BYTES = (1 << 63) - 1
MOST_OPERATIONS = (1 << 32) - 1  # v1 takes more and has what is left of it in 32 bits (block/blk-throttle.c)
_NUMBER = re.compile(r"(\d{1,4}):(\d{1,7})")
_WEIGHTS = range(10, 1001)


def rates(limits: Iterable[DeviceLimit], most: int = MOST_BYTES) -> tuple[LinuxThrottleDevice, ...]:
    """Bytes or operations per second; 0 is no limit.

    Args:
        most: that the kernel can keep to.

    Raises:
        InvalidRequest: no such disk, or a rate that can't be.
    """
    found: dict[tuple[int, int], LinuxThrottleDevice] = {}
    for limit in limits:
        if not 0 <= limit.value <= most:
            raise InvalidRequest(f"{limit.value} is not a rate for {limit.device}", f"give a number from 1 to {most}")
        major, minor = device_number(limit.device)
        found[major, minor] = LinuxThrottleDevice(major=major, minor=minor, rate=limit.value)
    return tuple(found.values())


def weights(limits: Iterable[DeviceLimit]) -> tuple[LinuxWeightDevice, ...]:
    """Shares of single disks' time.

    Raises:
        InvalidRequest: no such disk, or a weight that can't be.
    """
    found: dict[tuple[int, int], LinuxWeightDevice] = {}
    for limit in limits:
        if limit.value not in _WEIGHTS:
            raise InvalidRequest(f"{limit.value} is not a weight for {limit.device}", "give a number from 10 to 1000")
        major, minor = device_number(limit.device)
        found[major, minor] = LinuxWeightDevice(major=major, minor=minor, weight=limit.value)
    return tuple(found.values())


def device_number(device: str) -> tuple[int, int]:
    """Major and minor number of a whole disk, which alone the kernel limits.

    Raises:
        InvalidRequest: it isn't there, or no disk, or a part of one.
    """
    major, minor = _number(device)
    folder = f"/sys/dev/block/{major}:{minor}"
    if not os.path.exists(folder):
        raise InvalidRequest(f"there is no block device {device}", "see what there is with: lsblk")
    if os.path.exists(f"{folder}/partition"):
        disk = os.path.basename(os.path.dirname(os.path.realpath(folder)))
        raise InvalidRequest(f"{device} is a partition, and limits are for whole disks", f"name /dev/{disk} instead")
    return major, minor


def identity(device: str) -> str:
    """What tells that two names mean the same disk: its number, or the name itself where it isn't there any more."""
    try:
        return "{}:{}".format(*device_number(device))
    except InvalidRequest:
        return device


def _number(device: str) -> tuple[int, int]:
    if match := _NUMBER.fullmatch(device):
        return int(match[1]), int(match[2])
    try:
        status = os.stat(device if "/" in device else f"/dev/{device}")
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"there is no device {device}", "see what there is with: lsblk") from error
    if not stat.S_ISBLK(status.st_mode):
        raise InvalidRequest(f"{device} is not a block device", "see what there is with: lsblk")
    return os.major(status.st_rdev), os.minor(status.st_rdev)
