"""Names of block devices, from sysfs."""

from __future__ import annotations

import os

from msgspec import Struct


class BlockDevice(Struct, frozen=True, gc=False):
    """A device's number, such as ``8:0``, and its name, such as ``sda``; the number again where nobody knows one."""

    number: str
    name: str


class BlockDevices(dict[bytes, BlockDevice]):
    """Devices by their number as cgroup files write it; each is looked up once."""

    def __missing__(self, number: bytes) -> BlockDevice:
        device = self[number] = _look_up(number.decode("ascii"))
        return device


def _look_up(number: str) -> BlockDevice:
    try:
        target = os.readlink(f"/sys/dev/block/{number}")  # ../../devices/…/block/sda
    except OSError:
        return BlockDevice(number, number)
    return BlockDevice(number, os.path.basename(target))
