"""The default filter: what it stops, what it lets through, and what capabilities bring."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import pty
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from typing import Any

import pytest

from engine.linux import libseccomp, prctl
from engine.runtime import seccomp, seccomp_calls, seccomp_profile
from tests.engine.runtime.forked import Outcome, forked
from tests.engine.runtime.rawcall import call, call_as_i386

pytestmark = [
    pytest.mark.vm,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="makes calls by the numbers of x86"),
]

ALLOWED = 0
NEW_USER, NEW_NET, SIGCHLD = 0x10000000, 0x40000000, 17
ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x0040000, 0x0400000
UPPER_HALF = 1 << 32


def confined(function: Callable[[], Any], *caps: str) -> Outcome:
    """What a process sees under the default filter of a container with these capabilities."""
    program = seccomp.prepare(seccomp_profile.default(caps, platform.machine()), None)

    def child() -> Any:
        prctl.set_no_new_privileges()
        seccomp.load(program)
        return function()

    return forked(child)


def answer(what: str | int, *arguments: int) -> int:
    """The errno of a call, 0 when it worked."""
    try:
        call(what, *arguments)
    except OSError as error:
        return error.errno or 0
    return ALLOWED


@pytest.mark.parametrize(
    ("what", "arguments", "expected"),
    [
        ("unshare", (NEW_USER,), errno.EPERM),
        ("clone", (NEW_USER | SIGCHLD,), errno.EPERM),
        ("clone", (NEW_NET | SIGCHLD,), errno.EPERM),
        ("clone", (UPPER_HALF | NEW_USER | SIGCHLD,), errno.EPERM),
        ("clone3", (0, 0), errno.ENOSYS),
        ("setns", (0, 0), errno.EPERM),
        ("mount", (0, 0, 0, 0, 0), errno.EPERM),
        ("umount2", (0, 0), errno.EPERM),
        ("open_tree", (-100, 0, 0), errno.EPERM),
        ("fsopen", (0, 0), errno.EPERM),
        ("mount_setattr", (0, 0, 0, 0, 0), errno.EPERM),
        ("pivot_root", (0, 0), errno.EPERM),
        ("chroot", (0,), errno.EPERM),
        ("keyctl", (0, 0), errno.EPERM),
        ("add_key", (0, 0, 0, 0, 0), errno.EPERM),
        ("request_key", (0, 0, 0, 0), errno.EPERM),
        ("bpf", (0, 0, 0), errno.EPERM),
        ("perf_event_open", (0, 0, 0, 0, 0), errno.EPERM),
        ("userfaultfd", (0,), errno.EPERM),
        ("io_uring_setup", (1, 0), errno.EPERM),
        ("io_uring_enter", (0, 0, 0, 0, 0), errno.EPERM),
        ("io_uring_register", (0, 0, 0, 0), errno.EPERM),
        ("open_by_handle_at", (0, 0, 0), errno.EPERM),
        ("kexec_load", (0, 0, 0, 0), errno.EPERM),
        ("init_module", (0, 0, 0), errno.EPERM),
        ("finit_module", (0, 0, 0), errno.EPERM),
        ("delete_module", (0, 0), errno.EPERM),
        ("reboot", (0, 0, 0, 0), errno.EPERM),
        ("swapon", (0, 0), errno.EPERM),
        ("settimeofday", (0, 0), errno.EPERM),
        ("clock_settime", (0, 0), errno.EPERM),
        ("acct", (0,), errno.EPERM),
        ("iopl", (3,), errno.EPERM),
        ("ioperm", (0, 1, 1), errno.EPERM),
        ("quotactl", (0, 0, 0, 0), errno.EPERM),
        ("syslog", (10, 0, 0), errno.EPERM),
        ("process_madvise", (0, 0, 0, 0, 0), errno.EPERM),
        ("pidfd_getfd", (0, 0, 0), errno.EPERM),
        ("kcmp", (0, 0, 0, 0, 0), errno.EPERM),
        ("set_mempolicy", (0, 0, 0), errno.EPERM),
        ("sethostname", (0, 0), errno.EPERM),
        ("personality", (ADDR_NO_RANDOMIZE,), errno.EPERM),
        ("personality", (READ_IMPLIES_EXEC,), errno.EPERM),
        ("personality", (0xFFFFFFFF,), ALLOWED),
        ("personality", (0x8,), ALLOWED),
        ("socket", (socket.AF_ALG, socket.SOCK_SEQPACKET, 0), errno.EPERM),
        ("socket", (UPPER_HALF | socket.AF_ALG, socket.SOCK_SEQPACKET, 0), errno.EPERM),
        ("socket", (socket.AF_VSOCK, socket.SOCK_STREAM, 0), errno.EPERM),
        ("socket", (UPPER_HALF | socket.AF_VSOCK, socket.SOCK_STREAM, 0), errno.EPERM),
        ("socket", (200, socket.SOCK_STREAM, 0), errno.EPERM),
        ("socket", (socket.AF_UNIX, socket.SOCK_STREAM, 0), ALLOWED),
        ("socket", (socket.AF_INET, socket.SOCK_STREAM, 0), ALLOWED),
        ("socket", (socket.AF_NETLINK, socket.SOCK_RAW, 0), ALLOWED),
        (10_000, (), errno.ENOSYS),
    ],
)
def test_the_filter_answers(what: str | int, arguments: tuple[int, ...], expected: int) -> None:
    assert confined(lambda: answer(what, *arguments)).value == expected


@pytest.mark.parametrize("family", [39, 41, 42, 43, 44, 45])
def test_families_beyond_those_that_are_refused_are_left_to_the_kernel(family: int) -> None:
    assert confined(lambda: answer("socket", family, socket.SOCK_STREAM, 0)).value != errno.EPERM


@pytest.mark.parametrize(
    ("capability", "what", "arguments"),
    [
        ("CAP_SYS_ADMIN", "unshare", (0,)),
        ("CAP_SYS_ADMIN", "setns", (0, 0)),
        ("CAP_SYS_ADMIN", "mount", (0, 0, 0, 0, 0)),
        ("CAP_SYS_ADMIN", "clone3", (0, 0)),
        ("CAP_SYS_CHROOT", "chroot", (0,)),
        ("CAP_BPF", "bpf", (99, 0, 0)),
        ("CAP_PERFMON", "perf_event_open", (0, 0, 0, 0, 0)),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at", (-1, 0, 0)),
        ("CAP_SYS_PTRACE", "kcmp", (-1, -1, 99, 0, 0)),
        ("CAP_SYS_NICE", "set_mempolicy", (99, 0, 0)),
        ("CAP_SYS_TIME", "settimeofday", (1, 0)),
    ],
)
def test_a_capability_brings_its_calls(capability: str, what: str, arguments: tuple[int, ...]) -> None:
    refused = errno.ENOSYS if what == "clone3" else errno.EPERM
    assert confined(lambda: answer(what, *arguments)).value == refused
    assert confined(lambda: answer(what, *arguments), capability).value not in (refused, errno.EPERM)


@pytest.mark.parametrize("capability", sorted(seccomp_calls.BY_CAPABILITY))
def test_keyrings_and_io_uring_come_with_none(capability: str) -> None:
    def child() -> list[int]:
        return [answer("keyctl", 0, 0), answer("io_uring_setup", 1, 0), answer("userfaultfd", 0)]

    assert confined(child, capability).value == [errno.EPERM] * 3


@pytest.mark.parametrize("request_number", [termios.TIOCSTI, UPPER_HALF | termios.TIOCSTI, termios.TIOCSTI - (1 << 32)])
def test_nobody_types_into_a_terminal(request_number: int) -> None:
    def child() -> int:
        _, slave = pty.openpty()
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        key = ctypes.create_string_buffer(b"x")
        return answer("ioctl", slave, request_number, ctypes.addressof(key))

    assert confined(child).value == errno.EPERM
    assert forked(child).value in (ALLOWED, errno.EIO)  # without the filter; EIO where dev.tty.legacy_tiocsti is 0


def test_every_other_request_gets_to_the_terminal() -> None:
    def child() -> list[int]:
        _, slave = pty.openpty()
        room = ctypes.create_string_buffer(256)
        numbers = (termios.TIOCGWINSZ, termios.TCGETS, termios.FIONREAD, 0x80045430, 0xFFFFFFFF80045430)
        return [answer("ioctl", slave, number, ctypes.addressof(room)) for number in numbers]

    assert errno.EPERM not in confined(child).value


def test_programs_of_32_bits_find_the_same_doors_shut() -> None:
    if forked(lambda: call_as_i386(20)).signal is not None:
        pytest.skip("this kernel runs no programs of 32 bits")
    socketcall, unshare, mount, keyctl, i386_socket, getpid = 102, 310, 21, 288, 359, 20

    def child() -> list[int]:
        calls = [call_as_i386(n) for n in (socketcall, unshare, mount, keyctl)]
        sockets = [call_as_i386(i386_socket, family, 1) for family in (socket.AF_ALG, socket.AF_VSOCK, socket.AF_INET)]
        return [*calls, *(min(s, 0) for s in sockets), min(call_as_i386(getpid), 0)]

    eperm = -errno.EPERM
    assert confined(child).value == [-errno.ENOSYS, eperm, eperm, eperm, eperm, eperm, 0, 0]


def test_threads_processes_and_files_work() -> None:
    def child() -> list[object]:
        said: list[object] = []
        thread = threading.Thread(target=lambda: said.append("thread"))
        thread.start()
        thread.join()
        said.append(subprocess.check_output([sys.executable, "-c", "print(1)"]).decode())
        said.append(os.getxattr("/", "user.x") if "user.x" in os.listxattr("/") else "files")
        return said

    assert confined(child).value == ["thread", "1\n", "files"]


def test_every_name_is_one_that_libseccomp_knows_or_is_newer() -> None:
    newer = {
        "statmount", "listmount", "mseal", "uretprobe", "getxattrat", "setxattrat", "listxattrat", "removexattrat",
        "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "riscv_hwprobe", "fchmodat2", "cachestat",
        "map_shadow_stack", "futex_wait", "futex_wake", "futex_requeue",
    }  # fmt: skip
    names = {*seccomp_calls.EVERYWHERE}.union(*seccomp_calls.BY_CAPABILITY.values(), *seccomp_calls.BY_MACHINE.values())
    assert {name for name in names if libseccomp.load().number(name) is None} <= newer


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "riscv64", "ppc64le", "s390x", "some-other"])
def test_there_is_a_filter_for_every_machine(machine: str) -> None:
    wanted = seccomp_profile.default((), machine)
    assert wanted.default_action == "SCMP_ACT_ERRNO"
    assert not any(call.names == ("unshare",) for call in wanted.syscalls)
