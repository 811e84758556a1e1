"""The door to the kernel: libc's wrappers and raw system calls, failing with OSError."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
from collections.abc import Callable
from typing import Any

from engine.linux import trace

# PyDLL keeps the interpreter lock during the call. None of our calls block for long, and a clone whose
# child must go on running Python may not happen while another thread could take the lock.
_libc = ctypes.PyDLL(None, use_errno=True)
_MOST_ARGUMENTS = 6  # of a system call

# Since Linux 5.1 new system calls have the same number everywhere; the few older ones that we need do not.
_OLD_NUMBERS = {
    "x86_64": {
        "pivot_root": 155,
        "capget": 125,
        "capset": 126,
        "sethostname": 170,
        "setdomainname": 171,
        "keyctl": 250,
        "bpf": 321,
        "set_mempolicy": 238,
        "ioprio_set": 251,
        "sched_setattr": 314,
        "seccomp": 317,
    },
    "aarch64": {
        "pivot_root": 41,
        "capget": 90,
        "capset": 91,
        "sethostname": 161,
        "setdomainname": 162,
        "keyctl": 219,
        "set_mempolicy": 237,
        "ioprio_set": 30,
        "sched_setattr": 274,
        "seccomp": 277,
        "bpf": 280,
    },
}
_NEW_NUMBERS = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "close_range": 436,
    "openat2": 437,
    "process_madvise": 440,
    "mount_setattr": 442,
}


def function(name: str, *argument_types: Any) -> Callable[..., int]:
    """A libc function for loops: it converts its arguments quickly, returns what libc does and raises nothing.

    Args:
        argument_types: of ctypes.
    """
    bound = _libc[name]
    bound.argtypes = argument_types
    return bound


def _numbers() -> dict[str, int]:
    return {**_OLD_NUMBERS.get(platform.machine(), {}), **_NEW_NUMBERS}


_NUMBERS = _numbers()

# With its arguments' types known a call is three times as quick: a start makes more than a hundred. A pointer takes
# integers, bytes, buffers and None alike.
_syscall = function("syscall", ctypes.c_long, *[ctypes.c_void_p] * _MOST_ARGUMENTS)
_syscall.restype = ctypes.c_long  # type: ignore[attr-defined]
_REST = tuple((0,) * (_MOST_ARGUMENTS - given) for given in range(_MOST_ARGUMENTS + 1))


@functools.cache
def _bound(name: str, count: int) -> Callable[..., int]:
    return function(name, *[ctypes.c_void_p] * count)


for _name, _count in (("mount", 5), ("umount2", 2), ("prctl", 5), ("sigaction", 3), ("unshare", 1), ("setns", 2)):
    _bound(_name, _count)  # what every start needs, found before anybody is forked


def _raise(name: str, path: str | None, number: int) -> None:
    raise OSError(number, f"{name}: {os.strerror(number)}", path)


def syscall(name: str, *arguments: Any, path: str | None = None, shown: tuple[Any, ...] | None = None) -> int:
    """Make a system call by name; integers are passed as they are, bytes and buffers as pointers.

    Args:
        path: named in the error, for people.
        shown: what is noted in place of arguments that lead elsewhere (`engine.linux.trace`).

    Raises:
        OSError: with the kernel's errno; ENOSYS also for a name that this architecture lacks a number for.
    """
    number = _NUMBERS.get(name)
    if number is None:
        _raise(name, path, errno.ENOSYS)
        return -1
    begun = trace.now()
    result = _syscall(number, *arguments, *_REST[len(arguments)])
    if result < 0 or trace.calls.get() is not None:
        return _noted(begun, name, arguments if shown is None else shown, result, path)
    return result


def call(name: str, *arguments: Any, path: str | None = None) -> int:
    """Call a libc function that returns -1 on failure; arguments are passed as by `syscall`.

    Raises:
        OSError: with errno as libc left it.
    """
    begun = trace.now()
    result = _bound(name, len(arguments))(*arguments)
    if result < 0 or trace.calls.get() is not None:
        return _noted(begun, name, arguments, result, path)
    return result


def _noted(begun_ns: int, name: str, arguments: tuple[Any, ...], result: int, path: str | None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        trace.note(begun_ns, name, arguments, -number, path)
        _raise(name, path, number)
    trace.note(begun_ns, name, arguments, result, path)
    return result
