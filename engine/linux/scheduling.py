"""How the kernel schedules a process: policy (sched_setattr(2)), input and output (ioprio_set(2)), processors."""

from __future__ import annotations

import os
import struct

from engine.linux import libc

POLICIES = {
    "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}  # fmt: skip
FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01, "SCHED_FLAG_RECLAIM": 0x02, "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08, "SCHED_FLAG_KEEP_PARAMS": 0x10, "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}  # fmt: skip
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}

_ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # struct sched_attr, SCHED_ATTR_SIZE_VER0
_IOPRIO_WHO_PROCESS = 1
_CLASS_SHIFT = 13
_MOST_PROCESSORS = 1 << 16  # far more than any kernel is built for


def set_policy(
    pid: int,
    policy: int,
    *,
    flags: int = 0,
    nice: int = 0,
    priority: int = 0,
    runtime: int = 0,
    deadline: int = 0,
    period: int = 0,
) -> None:
    """Give a process (0 for this one) a policy; times in ns.

    Raises:
        OSError: EPERM without CAP_SYS_NICE where it is needed, EINVAL for what the policy doesn't take, EBUSY where
            deadlines can't be promised.
    """
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, flags, nice, priority, runtime, deadline, period)
    libc.syscall("sched_setattr", pid, attributes, 0)


def set_io_priority(pid: int, io_class: int, priority: int) -> None:
    """Give a process (0 for this one) a class of `IO_CLASSES` and a priority in it, 0 (first) to 7.

    Raises:
        OSError: EPERM for the class RT without CAP_SYS_ADMIN or CAP_SYS_NICE, EINVAL for a wrong priority.
    """
    libc.syscall("ioprio_set", _IOPRIO_WHO_PROCESS, pid, io_class << _CLASS_SHIFT | priority)


def set_affinity(pid: int, processors: set[int]) -> None:
    """Let a process (0 for this one) run on these processors only (sched_setaffinity(2)).

    Raises:
        OSError: EINVAL when none of them is there, or allowed by its cpuset.
    """
    os.sched_setaffinity(pid, processors)


def processors(text: str) -> set[int]:
    """The numbers in a list such as ``0-3,7`` (cpuset(7), "List format").

    Raises:
        ValueError: it is no such list.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (text.isascii() and first.isdigit() and (last.isdigit() or not dash)):
            raise ValueError(text)
        numbers = range(int(first), int(last or first) + 1)
        if not numbers or numbers[-1] >= _MOST_PROCESSORS:
            raise ValueError(text)
        found.update(numbers)
    return found
