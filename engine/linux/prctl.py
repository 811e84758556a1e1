"""prctl(2): the few process attributes that containers need."""

from __future__ import annotations

from engine.linux import libc

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_NAME = 15
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4


def set_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may trace us and open our /proc/PID files."""
    libc.call("prctl", _PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def set_parent_death_signal(number: int) -> None:
    """The signal to get when the thread that made us ends; 0 for none."""
    libc.call("prctl", _PR_SET_PDEATHSIG, number, 0, 0, 0)


def set_name(name: str) -> None:
    """The name in /proc/PID/comm, cut to 15 bytes."""
    libc.call("prctl", _PR_SET_NAME, name.encode()[:15] + b"\0", 0, 0, 0)


def set_child_subreaper() -> None:
    """Become the parent of orphaned descendants."""
    libc.call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_no_new_privileges() -> None:
    """No execve from here on grants more privileges (set-user-id, file capabilities)."""
    libc.call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def keep_capabilities(keep: bool) -> None:
    """Whether permitted capabilities survive the change from uid 0 to another."""
    libc.call("prctl", _PR_SET_KEEPCAPS, int(keep), 0, 0, 0)


def drop_from_bounding_set(capability: int) -> None:
    """No execve from here on can give this capability."""
    libc.call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)


def clear_ambient_set() -> None:
    """Drop all ambient capabilities."""
    libc.call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def raise_ambient(capability: int) -> None:
    """Keep a capability over the execve of a program that has none."""
    libc.call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
