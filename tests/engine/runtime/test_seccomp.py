"""Filters of system calls, in real processes under real filters."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import BoxdeckError, InvalidRequest, RuntimeFailure, Unsupported
from engine.linux import capabilities, libseccomp, prctl
from engine.oci.runtime_spec import decode_part
from engine.oci.seccomp_spec import Seccomp, SeccompArgument, SeccompSyscall
from engine.runtime import seccomp
from tests.engine.runtime.forked import Outcome, forked
from tests.engine.runtime.rawcall import call, call_as_i386, number
from tests.engine.runtime.seccomp_agent import Agent

pytestmark = pytest.mark.vm
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="is about the calls of x86")

MARK = 77  # an errno that no call in these tests gives by itself
WHOLE = (1 << 64) - 1
# What Python may do while it makes a call and tells of it.
NEEDED = (
    "write", "exit_group", "close", "mmap", "munmap", "mremap", "madvise", "mprotect", "brk", "rt_sigaction", "futex",
    "rt_sigreturn", "rt_sigprocmask", "alarm", "getpid", "clock_gettime", "getrandom",
)  # fmt: skip
LISTENER = "/nowhere.sock"


def rule(name: str, action: str = "SCMP_ACT_ERRNO", *args: SeccompArgument, errno_ret: int | None = None) -> Any:
    return SeccompSyscall(names=(name,), action=action, errno_ret=errno_ret, args=args)  # type: ignore[arg-type]


def allowing(*rules: SeccompSyscall, **more: Any) -> Seccomp:
    return Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=rules, **more)


def compare(index: int, op: str, value: int, value_two: int = 0) -> SeccompArgument:
    return SeccompArgument(index=index, op=op, value=value, value_two=value_two)  # type: ignore[arg-type]


def under(wanted: Seccomp, function: Callable[[], Any]) -> Outcome:
    """What a process sees that lives under a filter."""
    program = seccomp.prepare(wanted, None)

    def child() -> Any:
        prctl.set_no_new_privileges()
        seccomp.load(program)
        return function()

    return forked(child)


# Arguments


@pytest.mark.parametrize(
    ("op", "value", "value_two", "hit", "missed"),
    [
        ("SCMP_CMP_EQ", 5, 0, [5], [4, 6, 5 | 1 << 32]),
        ("SCMP_CMP_EQ", 5 | 7 << 32, 0, [5 | 7 << 32], [5, 7 << 32]),
        ("SCMP_CMP_NE", 5, 0, [4, 6, 5 | 1 << 32], [5]),
        ("SCMP_CMP_LT", 1 << 33, 0, [0, 1 << 32, (1 << 33) - 1], [1 << 33, WHOLE]),
        ("SCMP_CMP_LE", 1 << 33, 0, [0, 1 << 33], [(1 << 33) + 1, WHOLE]),
        ("SCMP_CMP_GE", 1 << 33, 0, [1 << 33, WHOLE], [0, (1 << 33) - 1]),
        ("SCMP_CMP_GT", 1 << 33, 0, [(1 << 33) + 1, WHOLE], [0, 1 << 33]),
        ("SCMP_CMP_MASKED_EQ", 0xF0, 0x30, [0x30, 0x3F, 0xF30 | 1 << 40], [0, 0x40, 0x70]),
        ("SCMP_CMP_MASKED_EQ", 3 << 32, 1 << 32, [1 << 32, 0x5 << 32], [0, 2 << 32, 3 << 32]),
    ],
)
def test_a_rule_compares_an_argument(op: str, value: int, value_two: int, hit: list[int], missed: list[int]) -> None:
    wanted = allowing(rule("getpgid", "SCMP_ACT_ERRNO", compare(0, op, value, value_two), errno_ret=MARK))

    def answers() -> list[int]:
        return [_errno_of("getpgid", argument) for argument in (*hit, *missed)]

    found = under(wanted, answers).value
    assert [answer == MARK for answer in found] == [True] * len(hit) + [False] * len(missed)


def _errno_of(what: str | int, *arguments: int) -> int:
    try:
        call(what, *arguments)
    except OSError as error:
        return error.errno or 0
    return 0


def test_all_comparisons_of_different_arguments_must_hold() -> None:
    both = (compare(0, "SCMP_CMP_EQ", 1), compare(5, "SCMP_CMP_GT", 10))
    wanted = allowing(rule("getpgid", "SCMP_ACT_ERRNO", *both, errno_ret=MARK))
    tries = [(1, 0, 0, 0, 0, 11), (1, 0, 0, 0, 0, 10), (2, 0, 0, 0, 0, 11)]
    found = under(wanted, lambda: [_errno_of("getpgid", *arguments) for arguments in tries]).value
    assert [answer == MARK for answer in found] == [True, False, False]


def test_comparisons_of_the_same_argument_are_alternatives_as_in_runc_and_crun() -> None:
    either = (compare(0, "SCMP_CMP_EQ", 1), compare(0, "SCMP_CMP_EQ", 3))
    wanted = allowing(rule("getpgid", "SCMP_ACT_ERRNO", *either, errno_ret=MARK))
    found = under(wanted, lambda: [_errno_of("getpgid", argument) for argument in (1, 2, 3)]).value
    assert [answer == MARK for answer in found] == [True, False, True]


# Actions


def test_an_error_number_is_eperm_unless_another_is_asked_for() -> None:
    wanted = allowing(rule("getpgid"), rule("getsid", errno_ret=MARK), rule("setsid", errno_ret=0))
    assert under(wanted, lambda: [_errno_of(n, 0) for n in ("getpgid", "getsid", "setsid")]).value == [1, MARK, 0]


def test_the_default_action_has_an_error_number_of_its_own() -> None:
    rules = tuple(rule(name, "SCMP_ACT_ALLOW") for name in NEEDED)
    wanted = Seccomp(default_action="SCMP_ACT_ERRNO", default_errno_ret=MARK, syscalls=rules)
    sid = number("getsid")
    assert under(wanted, lambda: _errno_of(sid, 0)).value == MARK


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"])
def test_killing_can_t_be_caught(action: str) -> None:
    def child() -> None:
        signal.signal(signal.SIGSYS, signal.SIG_IGN)
        call("getpgid", 0)

    assert under(allowing(rule("getpgid", action)), child).signal == signal.SIGSYS


def test_kill_process_ends_all_threads_and_kill_thread_one() -> None:
    def child() -> str:
        thread = threading.Thread(target=lambda: call("getpgid", 0))
        thread.start()
        for _ in range(100):
            if not os.path.exists(f"/proc/self/task/{thread.native_id}"):
                return "alone"
            threading.Event().wait(0.01)
        return "both"

    assert under(allowing(rule("getpgid", "SCMP_ACT_KILL_THREAD")), child).value == "alone"
    assert under(allowing(rule("getpgid", "SCMP_ACT_KILL_PROCESS")), child).signal == signal.SIGSYS


def test_a_trap_is_a_signal_that_can_be_caught() -> None:
    def child() -> list[int]:
        caught: list[int] = []
        signal.signal(signal.SIGSYS, lambda number, _: caught.append(number))
        _errno_of("getpgid", 0)
        return caught

    assert under(allowing(rule("getpgid", "SCMP_ACT_TRAP")), child).value == [signal.SIGSYS]


def test_tracing_without_a_tracer_is_a_missing_call() -> None:
    assert under(allowing(rule("getpgid", "SCMP_ACT_TRACE")), lambda: _errno_of("getpgid", 0)).value == errno.ENOSYS


def test_logging_lets_a_call_through() -> None:
    wanted = allowing(rule("getpgid", "SCMP_ACT_LOG"), flags=("SECCOMP_FILTER_FLAG_LOG",))
    assert under(wanted, lambda: call("getpgid", 0) >= 0).value is True


@pytest.mark.parametrize("flag", ["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"])
def test_every_flag_is_obeyed_or_needless(flag: str) -> None:
    wanted = allowing(rule("getpgid"), flags=(f"SECCOMP_FILTER_FLAG_{flag}",))
    assert under(wanted, lambda: _errno_of("getpgid", 0)).value == errno.EPERM


# Asking an agent


@pytest.mark.parametrize("flags", [(), ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",)])
def test_an_agent_decides_about_a_call(tmp_path: Path, flags: tuple[str, ...]) -> None:
    agent = Agent(tmp_path, errno.EXDEV)
    wanted = allowing(
        rule("getpgid", "SCMP_ACT_NOTIFY"), listener_path=agent.path, listener_metadata="of mine", flags=flags
    )
    program = seccomp.prepare(wanted, None)
    ours, theirs = socket.socketpair()

    def child() -> int:
        prctl.set_no_new_privileges()
        listener = seccomp.load(program)
        assert listener is not None
        socket.send_fds(theirs, [b"x"], [listener])
        os.close(listener)
        return _errno_of("getpgid", 0)

    outcome: list[Outcome] = []
    waiting = threading.Thread(target=lambda: outcome.append(forked(child)))
    waiting.start()
    _, (listener, *_), _, _ = socket.recv_fds(ours, 1, 1)
    state = {"ociVersion": "1.2.0", "id": "c1", "status": "creating", "pid": 42, "bundle": "/b"}
    seccomp.send_listener(listener, wanted, json.dumps(state).encode())
    os.close(listener)
    waiting.join(30)
    agent.join()
    assert outcome[0].value == errno.EXDEV
    assert agent.asked == [number("getpgid")]
    assert agent.message == {
        "ociVersion": "1.2.0", "fds": ["seccompFd"], "pid": 42, "metadata": "of mine", "state": state
    }  # fmt: skip


def test_the_process_of_an_exec_is_named_beside_the_containers_state(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "agent.sock"))
    listener.listen()
    wanted = allowing(rule("getpgid", "SCMP_ACT_NOTIFY"), listener_path=str(tmp_path / "agent.sock"))
    seccomp.send_listener(0, wanted, b'{"ociVersion": "1.2.0", "id": "x", "pid": 1, "status": "running"}', pid=99)
    with listener, listener.accept()[0] as connection:
        message = json.loads(connection.recv(1 << 16))
    assert (message["pid"], message["state"]["pid"]) == (99, 1)


def test_an_agent_that_is_not_there_is_named() -> None:
    wanted = allowing(rule("getpgid", "SCMP_ACT_NOTIFY"), listener_path=LISTENER)
    with pytest.raises(RuntimeFailure, match=f"{LISTENER} can't be reached"):
        seccomp.send_listener(0, wanted, b'{"ociVersion": "1.2.0"}')


# Architectures


@on_x86
def test_a_program_of_32_bits_is_killed_unless_its_calls_are_filtered_too() -> None:
    getpgid = 132
    both = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86")
    denied = rule("getpgid", errno_ret=MARK)
    assert under(allowing(denied), lambda: call_as_i386(getpgid)).signal == signal.SIGSYS
    if forked(lambda: call_as_i386(20)).signal is not None:
        pytest.skip("this kernel runs no programs of 32 bits")
    assert under(allowing(denied, architectures=both), lambda: call_as_i386(getpgid)).value == -MARK


@on_x86
def test_calls_of_x32_are_killed_unless_they_are_filtered_too() -> None:
    x32 = 0x40000000 | number("getpgid")
    denied = rule("getpgid", errno_ret=MARK)
    assert under(allowing(denied), lambda: _errno_of(x32, 0)).signal == signal.SIGSYS
    three = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")
    assert under(allowing(denied, architectures=three), lambda: _errno_of(x32, 0)).value == MARK


def test_an_architecture_of_other_machines_changes_nothing_here() -> None:
    wanted = allowing(rule("getpgid", errno_ret=MARK), architectures=("SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_AARCH64"))
    assert under(wanted, lambda: _errno_of("getpgid", 0)).value == MARK


# What doesn't exist (yet)


def test_calls_that_nobody_knows_are_left_out() -> None:
    wanted = allowing(SeccompSyscall(names=("frobnicate", "getpgid"), action="SCMP_ACT_ERRNO", errno_ret=MARK))
    assert under(wanted, lambda: _errno_of("getpgid", 0)).value == MARK


def test_calls_newer_than_an_allow_list_are_missing_and_not_forbidden() -> None:
    names = (*NEEDED, "openat2")
    rules = tuple(rule(name, "SCMP_ACT_ALLOW") for name in names)
    for wanted in (
        Seccomp(default_action="SCMP_ACT_ERRNO", syscalls=rules),
        Seccomp(default_action="SCMP_ACT_ERRNO", default_errno_ret=1, syscalls=rules),
        Seccomp(default_action="SCMP_ACT_KILL_PROCESS", syscalls=rules),
    ):
        last = number("openat2")
        assert under(wanted, lambda: [_errno_of(last + 1), _errno_of(10_000)]).value == [errno.ENOSYS] * 2  # noqa: B023
    known = number("getsid")
    assert under(Seccomp(default_action="SCMP_ACT_ERRNO", syscalls=rules), lambda: _errno_of(known)).value == 1


@on_x86
def test_so_are_those_of_programs_of_32_bits() -> None:
    names = (*NEEDED, "openat2", "memfd_create")
    rules = tuple(rule(name, "SCMP_ACT_ALLOW") for name in names)
    wanted = Seccomp(default_action="SCMP_ACT_ERRNO", syscalls=rules, architectures=("SCMP_ARCH_X86",))
    if forked(lambda: call_as_i386(20)).signal is not None:
        pytest.skip("this kernel runs no programs of 32 bits")
    assert under(wanted, lambda: [call_as_i386(n) for n in (438, 132)]).value == [-errno.ENOSYS, -errno.EPERM]


# What is refused


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (allowing(rule("getpgid", "SCMP_ACT_NOTIFY")), "no agent to ask"),
        (Seccomp(default_action="SCMP_ACT_NOTIFY", listener_path=LISTENER), "default action"),
        (allowing(rule("sendmsg", "SCMP_ACT_NOTIFY"), listener_path=LISTENER), "can't stop sendmsg"),
        (allowing(listener_metadata="x"), "listenerMetadata without a listenerPath"),
        (allowing(rule("getpgid", "SCMP_ACT_KILL", errno_ret=1)), "SCMP_ACT_KILL returns no error number"),
        (allowing(default_errno_ret=1), "SCMP_ACT_ALLOW returns no error number"),
        (allowing(rule("getpgid", errno_ret=4096)), "can't return the error number 4096"),
        (allowing(rule("getpgid", errno_ret=-1)), "can't return the error number -1"),
        (allowing(architectures=("SCMP_ARCH_Z80",)), "no architecture 'SCMP_ARCH_Z80'"),
        (allowing(architectures=("X86",)), "no architecture 'X86'"),
        (allowing(rule("getpgid", "SCMP_ACT_ERRNO", compare(6, "SCMP_CMP_EQ", 0))), "no system call has an argument 6"),
        (allowing(rule("getpgid", "SCMP_ACT_ERRNO", compare(-1, "SCMP_CMP_EQ", 0))), "argument -1"),
        (allowing(rule("getpgid", "SCMP_ACT_ERRNO", compare(0, "SCMP_CMP_EQ", 1 << 64))), "64 bits"),
    ],
)
def test_what_can_t_be_meant_is_refused_in_words(wanted: Seccomp, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        seccomp.prepare(wanted, None)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"defaultAction": "SCMP_ACT_SHRUG"}',
        b'{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}',
        b'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "ALLOW"}]}',
        b'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_LOG", "args": [{}]}]}',
    ],
)
def test_unknown_words_and_missing_ones_are_errors(text: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_part(text, Seccomp)


def test_rules_that_contradict_each_other_are_refused_with_the_call() -> None:
    one = rule("getpgid", "SCMP_ACT_ERRNO", compare(0, "SCMP_CMP_EQ", 1), errno_ret=1)
    other = rule("getpgid", "SCMP_ACT_ERRNO", compare(0, "SCMP_CMP_EQ", 1), errno_ret=2)
    with pytest.raises(BoxdeckError, match="at getpgid"):
        seccomp.prepare(allowing(one, other), None)


def test_a_filter_needs_privilege_or_no_new_privileges() -> None:
    program = seccomp.prepare(allowing(), None)

    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        seccomp.load(program)

    assert "CAP_SYS_ADMIN or noNewPrivileges" in str(forked(child).error)


def test_a_missing_libseccomp_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libseccomp, "FILE", "libseccomp.so.99")
    libseccomp.load.cache_clear()
    with pytest.raises(Unsupported, match="install libseccomp2"):
        seccomp.prepare(allowing(rule("getpgid")), None)


def test_any_profile_that_podman_ships_can_be_loaded() -> None:
    path = Path("/usr/share/containers/seccomp.json")
    if not path.exists():
        pytest.skip("podman isn't here")
    profile = json.loads(path.read_text())
    rules = [entry for entry in profile["syscalls"] if not entry.get("includes") and not entry.get("excludes")]
    text = {"defaultAction": profile["defaultAction"], "defaultErrnoRet": 38, "syscalls": rules}
    wanted = decode_part(msgspec.json.encode(text), Seccomp)
    assert under(wanted, lambda: [_errno_of("getpgid", 0), _errno_of("kexec_load")]).value == [0, 1]
