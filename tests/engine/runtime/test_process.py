"""What a process has become before its program is executed: ids, capabilities, filter, and in which order."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.linux import capabilities, prctl
from engine.oci.process_spec import Capabilities, Process, Rlimit, User
from engine.oci.seccomp_spec import Seccomp, SeccompSyscall
from engine.runtime import process, seccomp
from tests.engine.runtime.forked import Outcome, forked

pytestmark = pytest.mark.vm

SOME = ("CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SETPCAP")
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NOTHING: dict[str, set[str]] = {name: set() for name in SETS}


def became(wanted: Process, *fields: str, **more: Any) -> Outcome:
    """Fields of /proc/self/status after becoming a process."""

    def child() -> dict[str, str]:
        status = os.open("/proc/self/status", os.O_RDONLY)  # opened now: the process may lose the right to
        process.become(wanted, **more)
        lines = os.pread(status, 1 << 14, 0).decode().splitlines()
        found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return {name: found[name] for name in fields}

    return forked(child)


def sets(wanted: Capabilities | None, user: User | None = None, **more: Any) -> dict[str, set[str]]:
    found = became(Process(cwd="/", capabilities=wanted, user=user or User(), **more), *SETS)
    assert found.error is None
    return {name: names(int(found.value[name], 16)) for name in SETS}


def names(mask: int) -> set[str]:
    return {name for bit, name in enumerate(capabilities.NAMES) if mask >> bit & 1}


# Capabilities


def test_the_five_sets_are_as_given() -> None:
    found = sets(
        Capabilities(bounding=SOME, permitted=SOME[:3], effective=SOME[:2], inheritable=SOME[:2], ambient=SOME[:1])
    )
    assert found == {
        "CapBnd": {*SOME}, "CapPrm": {*SOME[:3]}, "CapEff": {*SOME[:2]}, "CapInh": {*SOME[:2]}, "CapAmb": {*SOME[:1]}
    }  # fmt: skip


@pytest.mark.parametrize("uid", [0, 1000])
def test_they_are_for_other_users_as_well(uid: int) -> None:
    given = Capabilities(bounding=SOME, permitted=SOME, effective=SOME, inheritable=SOME, ambient=SOME)
    assert sets(given, User(uid=uid, gid=uid)) == {name: {*SOME} for name in SETS}


@pytest.mark.parametrize("uid", [0, 1000])
def test_without_any_there_are_none(uid: int) -> None:
    assert sets(None, User(uid=uid)) == NOTHING
    assert sets(Capabilities(), User(uid=uid), no_new_privileges=True) == NOTHING


def test_ours_are_not_inherited() -> None:
    """CVE-2022-24769: an inheritable capability comes back with a file that has it inheritable."""

    def child() -> int:
        capabilities.set_sets(capabilities.permitted(), capabilities.permitted(), capabilities.mask(SOME))
        prctl.raise_ambient(capabilities.NUMBERS["CAP_KILL"])
        process.become(Process(cwd="/", capabilities=Capabilities(bounding=SOME, permitted=SOME, effective=SOME)))
        status = Path("/proc/self/status").read_text()
        return int(status.split("CapInh:")[1].split()[0], 16) | int(status.split("CapAmb:")[1].split()[0], 16)

    assert forked(child).value == 0


def test_what_can_t_be_granted_is_left_out() -> None:
    """config.md, "capabilities": no reason to fail."""
    missing = ("CAP_SOLVE_EVERYTHING",)
    given = (*SOME, *missing)
    assert sets(Capabilities(bounding=given, permitted=given, effective=given))["CapPrm"] == {*SOME}

    def child() -> int:
        held = capabilities.mask(("CAP_SETPCAP", "CAP_KILL", "CAP_SETGID"))
        capabilities.set_sets(held, held, 0)
        process.become(Process(cwd="/", capabilities=Capabilities(bounding=SOME, permitted=SOME, effective=SOME)))
        return capabilities.permitted()

    assert names(forked(child).value) == {"CAP_SETPCAP", "CAP_KILL"}


def test_an_ambient_capability_must_be_inheritable_and_permitted() -> None:
    given = Capabilities(bounding=SOME, permitted=SOME[:2], effective=SOME[:2], inheritable=SOME[1:], ambient=SOME)
    assert sets(given)["CapAmb"] == {"CAP_KILL"}


def test_the_bounding_set_may_have_been_limited_before() -> None:
    wanted = Process(cwd="/", capabilities=Capabilities(bounding=SOME))

    def child() -> str:
        process.limit_bounding_set(wanted)
        process.become(wanted, is_bounded=True)
        return Path("/proc/self/status").read_text().split("CapBnd:")[1].split()[0]

    assert names(int(forked(child).value, 16)) == {*SOME}


def test_giving_up_capabilities_needs_one() -> None:
    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        process.become(Process(cwd="/", capabilities=Capabilities(bounding=SOME)))

    assert "CAP_SETPCAP" in str(forked(child).error)


# Ids


def test_ids_groups_and_umask() -> None:
    user = User(uid=1000, gid=1001, umask=0o027, additional_gids=(7, 1002))
    found = became(Process(cwd="/", user=user), "Uid", "Gid", "Groups", "Umask").value
    assert {name: value.split() for name, value in found.items()} == {
        "Uid": ["1000"] * 4, "Gid": ["1001"] * 4, "Groups": ["7", "1002"], "Umask": ["0027"]
    }  # fmt: skip


def test_our_own_groups_are_gone_and_the_umask_is_as_usual() -> None:
    found = became(Process(cwd="/"), "Groups", "Umask").value
    assert {name: value.strip() for name, value in found.items()} == {"Groups": "", "Umask": "0022"}


# The working directory


def entered(folder: str, user: User) -> Outcome:
    def child() -> str:
        process.become(Process(cwd=folder, user=user))
        return os.getcwd()

    return forked(child)


@pytest.mark.apart
def test_a_folder_that_only_root_may_enter_or_only_the_user(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert entered(str(closed), User(uid=1000)).value == str(closed)  # as in runc and crun: root goes first

    def without_override() -> str:
        os.chown(closed, 1000, 1000)
        held = capabilities.mask(("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"))
        capabilities.set_sets(held, held, 0)
        process.become(Process(cwd=str(closed), user=User(uid=1000)))
        return os.getcwd()

    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    assert forked(without_override).value == str(closed)


def test_a_folder_that_is_not_there_is_named() -> None:
    assert "/no/such can't be entered (no such file or directory)" in str(entered("/no/such", User()).error)
    assert "/etc/passwd can't be entered" in str(entered("/etc/passwd", User()).error)


def test_a_folder_that_nobody_of_them_may_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)

    def child() -> None:
        held = capabilities.mask(("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"))
        capabilities.set_sets(held, held, 0)
        process.become(Process(cwd=str(closed), user=User(uid=1000)))

    assert "closed can't be entered (permission denied)" in str(forked(child).error)


# No new privileges, and the filter of system calls


def test_no_new_privileges_is_as_asked() -> None:
    assert became(Process(cwd="/"), "NoNewPrivs").value == {"NoNewPrivs": "0"}
    assert became(Process(cwd="/", no_new_privileges=True), "NoNewPrivs").value == {"NoNewPrivs": "1"}


def refusing(*calls: str, action: str = "SCMP_ACT_KILL_PROCESS", **more: Any) -> Seccomp:
    rules = (SeccompSyscall(names=calls, action=action),)  # type: ignore[arg-type]
    return Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=rules, **more)


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("no_new_privileges", [False, True])
@pytest.mark.parametrize("kept", [(), SOME])
def test_the_filter_is_loaded_for_whoever_it_is(uid: int, no_new_privileges: bool, kept: tuple[str, ...]) -> None:
    given = Capabilities(bounding=SOME, permitted=kept, effective=kept)
    wanted = Process(cwd="/", user=User(uid=uid), capabilities=given, no_new_privileges=no_new_privileges)
    program = seccomp.prepare(refusing("getpgid"), None)
    found = became(wanted, "Seccomp", "CapEff", "NoNewPrivs", filter=program)
    assert found.value == {
        "Seccomp": "2",
        "CapEff": f"{capabilities.mask(kept):016x}",
        "NoNewPrivs": str(int(no_new_privileges)),
    }


EARLIER = ("setgroups", "setresgid", "setresuid", "chdir", "getcwd", "umask", "prlimit64", "setrlimit", "personality")


def test_a_filter_may_refuse_all_that_was_needed_before_it() -> None:
    given = Capabilities(bounding=SOME, permitted=SOME, effective=SOME, inheritable=SOME, ambient=SOME)
    user = User(uid=1000, gid=1000, additional_gids=(5,))
    for no_new_privileges, calls in ((False, EARLIER), (True, (*EARLIER, "capset", "prctl", "seccomp", "openat"))):
        wanted = Process(cwd="/", user=user, capabilities=given, no_new_privileges=no_new_privileges)
        assert became(wanted, "Uid", filter=seccomp.prepare(refusing(*calls), None)).signal is None


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_limits_don_t_hinder_what_we_still_have_to_do(no_new_privileges: bool) -> None:
    def child() -> tuple[int, int]:
        process.become(
            Process(
                cwd="/",
                user=User(uid=1000),
                rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=3, hard=3), Rlimit(type="RLIMIT_NPROC", soft=1, hard=1)),
                apparmor_profile="unconfined",
                no_new_privileges=no_new_privileges,
            ),
            seccomp.prepare(refusing("getpgid"), None),
        )
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    assert forked(child).value == [3, 3]


def test_what_comes_last_comes_before_the_filter_and_after_the_user() -> None:
    def child() -> list[int]:
        seen: list[int] = []
        process.become(
            Process(cwd="/", user=User(uid=1000)),
            seccomp.prepare(refusing("getuid", action="SCMP_ACT_ERRNO"), None),
            last=lambda: seen.append(os.getuid()),
        )
        return seen

    assert forked(child).value == [1000]


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_the_listener_of_a_filter_that_notifies_is_handed_on(no_new_privileges: bool) -> None:
    program = seccomp.prepare(refusing("getpgid", action="SCMP_ACT_NOTIFY", listener_path="/x"), None)
    ours, theirs = socket.socketpair()

    def child() -> None:
        wanted = Process(cwd="/", user=User(uid=1000), no_new_privileges=no_new_privileges)
        process.become(wanted, program, lambda descriptor: socket.send_fds(theirs, [b"x"], [descriptor]) and None)

    assert forked(child).error is None
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    assert os.readlink(f"/proc/self/fd/{descriptors[0]}") == "anon_inode:seccomp notify"
    os.close(descriptors[0])


# The program


def executed(*args: str, env: tuple[str, ...] = ("PATH=/usr/bin:/bin",), preserved: int = 0) -> str:
    """What a program says."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writable, 1)
        try:
            process.execute(Process(cwd="/", args=args, env=env), preserved)
        finally:
            os._exit(99)
    os.close(writable)
    with open(readable) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


def test_a_program_is_found_in_the_path_of_its_own_environment() -> None:
    assert executed("echo", "hello") == "hello\n"
    assert executed("env", env=("A=1", "PATH=/usr/bin:/bin", "A=2", "nonsense")).split() == [
        "A=2",
        "PATH=/usr/bin:/bin",
    ]


def test_only_the_standard_streams_are_left_open() -> None:
    descriptors = [os.open("/", os.O_RDONLY) for _ in range(3)]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    assert executed("ls", "/proc/self/fd").split() == ["0", "1", "2", "3"]  # 3 is of ls
    for descriptor in descriptors:
        os.close(descriptor)


def test_they_are_also_closed_under_a_filter_that_does_not_know_close_range() -> None:
    leaked = os.dup2(os.open("/", os.O_RDONLY), 500)  # no number that a thread may be opening something at just now
    readable, writable = os.pipe()

    def child() -> None:
        os.dup2(writable, 1)
        wanted = Process(cwd="/", args=("ls", "/proc/self/fd"), env=("PATH=/usr/bin:/bin",), no_new_privileges=True)
        process.become(wanted, seccomp.prepare(refusing("close_range", action="SCMP_ACT_ERRNO"), None))
        process.execute(wanted)

    if (pid := os.fork()) == 0:
        try:
            child()
        finally:
            os._exit(99)
    os.close(writable)
    os.close(leaked)
    with open(readable) as file:
        assert file.read().split() == ["0", "1", "2", "3"]
    os.waitpid(pid, 0)


def test_the_bounding_set_holds_after_execve() -> None:
    """Root gets everything back at execve but what the bounding set lacks."""
    command = ["setpriv", "--dump"]

    def child() -> str:
        process.become(Process(cwd="/", capabilities=Capabilities(bounding=SOME, permitted=(), effective=())))
        return subprocess.check_output(command, text=True)

    said = forked(child).value
    assert "Capability bounding set: chown,kill,setpcap,net_raw" in said
