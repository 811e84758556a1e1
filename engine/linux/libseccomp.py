"""libseccomp (seccomp_init(3) and its neighbours): rules by the names of system calls, compiled to classic BPF.

The library is loaded when a filter has to be compiled, and not before: a process that finds its filter compiled
never pays for it.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

FILE = "libseccomp.so.2"

KILL_THREAD = 0x00000000
KILL_PROCESS = 0x80000000
TRAP = 0x00030000
ERRNO = 0x00050000  # | errno
NOTIFY = 0x7FC00000
TRACE = 0x7FF00000  # | message for the tracer
LOG = 0x7FFC0000
ALLOW = 0x7FFF0000

# enum scmp_compare
NOT_EQUAL, LESS, LESS_OR_EQUAL, EQUAL, GREATER_OR_EQUAL, GREATER, MASKED_EQUAL = range(1, 8)

_OPTIMIZE = 8  # SCMP_FLTATR_CTL_OPTIMIZE
_BINARY_TREE = 2
_WORTH_A_TREE = 32  # rules; and with none at all libseccomp up to 2.5.4 makes a wrong tree
_ERROR = -1  # __NR_SCMP_ERROR: no architecture has a call of that name
_CONDITION = struct.Struct("@IiQQ")  # struct scmp_arg_cmp


class Condition(NamedTuple):
    """A comparison with one of a call's arguments (0 to 5).

    In `MASKED_EQUAL` `value` is the mask and `second` what it must leave of the argument.
    """

    argument: int
    operator: int
    value: int
    second: int = 0


class Rule(NamedTuple):
    """An action at a call if all conditions hold; `number` as from `Library.number`, `name` for messages."""

    action: int
    name: str
    number: int
    conditions: tuple[Condition, ...] = ()


class Library:
    """The loaded library.

    Raises:
        OSError: it isn't installed.
    """

    def __init__(self) -> None:
        self._c = ctypes.CDLL(FILE)
        self._c.seccomp_init.restype = ctypes.c_void_p
        self._c.seccomp_version.restype = ctypes.POINTER(ctypes.c_uint * 3)
        self._c.seccomp_arch_resolve_name.restype = ctypes.c_uint32

    @property
    def path(self) -> str:
        """The file that it was loaded from (dladdr(3))."""
        information = (ctypes.c_void_p * 4)()
        function = ctypes.cast(self._c.seccomp_init, ctypes.c_void_p)
        ctypes.CDLL(None).dladdr(function, information)
        return os.fsdecode(ctypes.string_at(information[0] or 0))

    @property
    def version(self) -> tuple[int, int, int]:
        """Major, minor, micro."""
        major, minor, micro = self._c.seccomp_version().contents
        return major, minor, micro

    def architecture(self, name: str) -> int | None:
        """The token of an architecture such as ``x86_64``; None for one that isn't known."""
        return int(self._c.seccomp_arch_resolve_name(name.encode())) or None

    def native_architecture(self) -> int:
        """The token of the architecture that we run on."""
        self._c.seccomp_arch_native.restype = ctypes.c_uint32
        return int(self._c.seccomp_arch_native())

    def number(self, name: str) -> int | None:
        """A call's number here, negative for one that only other architectures have; None for an unknown name."""
        number = int(self._c.seccomp_syscall_resolve_name(name.encode()))
        return None if number == _ERROR else number

    def number_on(self, architecture: int, name: str) -> int | None:
        """A call's number on an architecture; None where it has no such call."""
        number = int(self._c.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(architecture), name.encode()))
        return number if number >= 0 else None

    def compile(self, default: int, architectures: Iterable[int], rules: Iterable[Rule]) -> bytes:
        """The BPF program of a filter, as an array of struct sock_filter.

        Args:
            default: the action where no rule fits.
            architectures: tokens of those whose calls are filtered beside our own; any other is killed.

        Raises:
            OSError: with what libseccomp answers, EINVAL for rules that contradict each other or can't be
                expressed, EOPNOTSUPP for an action that this kernel lacks; its file name is the call's.
        """
        context = self._c.seccomp_init(ctypes.c_uint32(default))
        if not context:
            raise OSError(errno.EINVAL, "seccomp_init: the default action isn't possible here")
        handle = ctypes.c_void_p(context)
        try:
            return self._fill_and_export(handle, architectures, list(rules))
        finally:
            self._c.seccomp_release(handle)

    def _fill_and_export(self, handle: ctypes.c_void_p, architectures: Iterable[int], rules: list[Rule]) -> bytes:
        for token in architectures:
            self._call("seccomp_arch_add", handle, ctypes.c_uint32(token), ignore=errno.EEXIST)
        for rule in rules:
            self._add(handle, rule)
        if len(rules) > _WORTH_A_TREE:
            self._call("seccomp_attr_set", handle, _OPTIMIZE, ctypes.c_uint32(_BINARY_TREE), ignore=errno.EINVAL)
        return self._export(handle)

    def _add(self, handle: ctypes.c_void_p, rule: Rule) -> None:
        packed = b"".join(_CONDITION.pack(*condition) for condition in rule.conditions)
        action, count = ctypes.c_uint32(rule.action), len(rule.conditions)
        try:
            self._call("seccomp_rule_add_array", handle, action, rule.number, count, packed)
        except OSError as error:
            error.filename = rule.name
            raise

    def _export(self, handle: ctypes.c_void_p) -> bytes:
        descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
        try:
            self._call("seccomp_export_bpf", handle, descriptor)
            return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        finally:
            os.close(descriptor)

    def _call(self, name: str, *arguments: Any, ignore: int = 0) -> None:
        result = int(getattr(self._c, name)(*arguments))
        if result < 0 and result != -ignore:
            raise OSError(-result, f"{name}: {os.strerror(-result)}")


@functools.cache
def load() -> Library:
    """The library, loaded once.

    Raises:
        OSError: it isn't installed.
    """
    return Library()
