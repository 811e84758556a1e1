"""prctl(2): the few process attributes that containers need."""

from __future__ import annotations

import ctypes
import errno
import os

from engine.linux import libc, trace

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_NAME = 15
_PR_CAPBSET_DROP = 24
_PR_SET_TIMERSLACK = 29
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4

_CAPABILITIES = 64  # no set has room for more
_prctl = libc.function("prctl", ctypes.c_int, ctypes.c_ulong)  # one call for each capability, in every start


def set_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may trace us and open our /proc/PID files."""
    libc.call("prctl", _PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def set_parent_death_signal(number: int) -> None:
    """The signal to get when the thread that made us ends; 0 for none."""
    libc.call("prctl", _PR_SET_PDEATHSIG, number, 0, 0, 0)


def set_name(name: str) -> None:
    """The name in /proc/PID/comm, cut to 15 bytes."""
    libc.call("prctl", _PR_SET_NAME, name.encode()[:15] + b"\0", 0, 0, 0)


def set_timer_slack(nanoseconds: int) -> None:
    """How much later than asked for the kernel may wake this thread, so that several timers need one interrupt."""
    libc.call("prctl", _PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0)


def set_child_subreaper() -> None:
    """Become the parent of orphaned descendants."""
    libc.call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_no_new_privileges() -> None:
    """No execve from here on grants more privileges (set-user-id, file capabilities)."""
    libc.call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def keep_capabilities(keep: bool) -> None:
    """Whether permitted capabilities survive the change from uid 0 to another."""
    libc.call("prctl", _PR_SET_KEEPCAPS, int(keep), 0, 0, 0)


def shrink_bounding_set(keep: int) -> None:
    """No execve from here on can give a capability that isn't in the mask `keep`.

    Raises:
        OSError: EPERM without CAP_SETPCAP.
    """
    begun, number = trace.now(), 0
    for number in range(_CAPABILITIES):
        if not keep >> number & 1 and _prctl(_PR_CAPBSET_DROP, number) < 0:
            problem = ctypes.get_errno()
            if problem == errno.EINVAL:  # one more than this kernel knows
                break
            raise OSError(problem, f"prctl: {os.strerror(problem)}")
    trace.note(begun, "prctl", (_PR_CAPBSET_DROP, keep, number))  # all of these calls as one


def clear_ambient_set() -> None:
    """Drop all ambient capabilities."""
    libc.call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def raise_ambient(capability: int) -> None:
    """Keep a capability over the execve of a program that has none; it must be permitted and inheritable."""
    libc.call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
