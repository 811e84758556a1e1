"""Capabilities (capabilities(7)): names, numbers and the sets of the calling process."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable

from engine.linux import libc

NAMES: tuple[str, ...] = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT",
    "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
    "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(NAMES)}

_VERSION_3 = 0x20080522
_HEADER = struct.Struct("=Ii")
_DATA = struct.Struct("=6I")
_ROOM = ctypes.create_string_buffer(_DATA.size)  # once: ctypes makes a type for every new size


def mask(names: Iterable[str]) -> int:
    """Names as a bit mask.

    Raises:
        KeyError: for a name that no kernel has.
    """
    bits = 0
    for name in names:
        bits |= 1 << NUMBERS[name]
    return bits


def known(names: Iterable[str]) -> int:
    """Names as a bit mask, leaving out those that no kernel has."""
    bits = 0
    for name in names:
        bits |= 1 << NUMBERS[name] if name in NUMBERS else 0
    return bits


def last_known() -> int:
    """The highest capability number that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def permitted() -> int:
    """The mask of what the calling process may have (capget(2))."""
    data = _ROOM
    libc.syscall("capget", _HEADER.pack(_VERSION_3, 0), data)
    words = _DATA.unpack(data.raw)
    return int(words[1] | words[4] << 32)


def set_sets(effective: int, permitted: int, inheritable: int) -> None:
    """Replace the process's effective, permitted and inheritable sets, given as masks (capset(2)).

    Raises:
        OSError: EPERM for a capability that isn't permitted now.
    """
    low, high = 0xFFFFFFFF, 32
    data = _DATA.pack(
        effective & low, permitted & low, inheritable & low, effective >> high, permitted >> high, inheritable >> high
    )
    libc.syscall("capset", _HEADER.pack(_VERSION_3, 0), data)
