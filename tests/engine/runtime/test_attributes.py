"""Limits, scheduling, labels and what else a process inherits over execve."""

from __future__ import annotations

import os
import platform
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.linux import capabilities, scheduling
from engine.oci.linux_spec import Linux, MemoryPolicy, Personality
from engine.oci.process_spec import IOPriority, Process, Rlimit, Scheduler
from engine.oci.runtime_spec import decode_part
from engine.runtime import attributes
from tests.engine.runtime.forked import Outcome, forked

pytestmark = pytest.mark.vm

INFINITY = (1 << 64) - 1
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
CAN_RAISE = bool(capabilities.permitted() >> capabilities.NUMBERS["CAP_SYS_RESOURCE"] & 1)
HAS_APPARMOR = os.path.exists("/proc/self/attr/apparmor/exec")


def wanting(**more: Any) -> Process:
    return Process(cwd="/", **more)


def limit(kind: str, soft: int, hard: int) -> Rlimit:
    return Rlimit(type=f"RLIMIT_{kind}", soft=soft, hard=hard)


def taking_on(process: Process, see: Callable[[], Any], linux: Linux | None = None) -> Outcome:
    def child() -> Any:
        attributes.take_on(process, linux or Linux())
        attributes.limit(process)
        return see()

    return forked(child)


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process to be given something from outside."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# Limits


def test_limits_are_set() -> None:
    process = wanting(rlimits=(limit("NOFILE", 64, 128), limit("CORE", 0, 0), limit("LOCKS", 5, 6)))
    see = lambda: [resource.getrlimit(number) for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, 10)]  # noqa: E731
    assert taking_on(process, see).value == [[64, 128], [0, 0], [5, 6]]


def test_no_limit_is_the_kernels_largest_number() -> None:
    process = wanting(rlimits=(limit("CPU", INFINITY, INFINITY),))
    assert taking_on(process, lambda: resource.getrlimit(resource.RLIMIT_CPU)).value == [-1, -1]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ((limit("NOFILE", 20, 10),), "the first, soft limit must not exceed the second"),
        ((limit("NOFILE", INFINITY, 10),), "the first, soft limit must not exceed the second"),
        ((limit("SANITY", 1, 1),), "there is no resource limit RLIMIT_SANITY"),
        ((limit("NOFILE", 1, 1), limit("NOFILE", 2, 2)), "has an entry twice"),
    ],
)
def test_limits_that_can_t_be_meant(limits: tuple[Rlimit, ...], sentence: str) -> None:
    assert sentence in str(taking_on(wanting(rlimits=limits), lambda: None).error)


def test_present_hard_limits_need_no_privilege() -> None:
    process = wanting(rlimits=(limit("NOFILE", 10, HARD),))
    assert not attributes.needs_grant(process)

    def child() -> tuple[int, int]:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(process)
        attributes.limit(process)
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    assert forked(child).value == [10, HARD]


def test_higher_ones_do() -> None:
    process = wanting(rlimits=(limit("NOFILE", 10, HARD + 1),))
    assert attributes.needs_grant(process)

    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(process)

    assert f"RLIMIT_NOFILE can't be 10:{HARD + 1} without CAP_SYS_RESOURCE, since ours is {HARD}" in str(
        forked(child).error
    )


@pytest.mark.skipif(not CAN_RAISE, reason="wants CAP_SYS_RESOURCE")
def test_hard_limits_are_raised_from_outside(sleeper: int) -> None:
    attributes.grant(wanting(rlimits=(limit("NOFILE", 10, HARD + 1),)), sleeper)
    assert resource.prlimit(sleeper, resource.RLIMIT_NOFILE) == (
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        HARD + 1,
    )


# The killer of processes that need too much memory


def test_oom_score_adj_is_set_from_outside(sleeper: int) -> None:
    attributes.grant(wanting(oom_score_adj=300), sleeper)
    assert Path(f"/proc/{sleeper}/oom_score_adj").read_text() == "300\n"
    assert attributes.needs_grant(wanting(oom_score_adj=0))


def test_ones_present_oom_score_adj_needs_no_privilege() -> None:
    present = int(Path("/proc/self/oom_score_adj").read_text())

    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(wanting(oom_score_adj=present))

    assert forked(child).error is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [(-999, "oom_score_adj can't be -999 without CAP_SYS_RESOURCE"), (1001, "it is -1000 to 1000")],
)
def test_an_oom_score_adj_that_can_t_be_had(value: int, sentence: str) -> None:
    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(wanting(oom_score_adj=value))

    assert sentence in str(forked(child).error)


# Scheduling


@pytest.mark.parametrize(
    ("scheduler", "policy", "nice"),
    [
        (Scheduler(policy="SCHED_OTHER", nice=5), os.SCHED_OTHER, 5),
        (Scheduler(policy="SCHED_BATCH", nice=-3), os.SCHED_BATCH, -3),
        (Scheduler(policy="SCHED_IDLE"), os.SCHED_IDLE, None),
        (Scheduler(policy="SCHED_BATCH", flags=("SCHED_FLAG_RESET_ON_FORK",)), os.SCHED_BATCH, 0),
    ],
)
def test_a_policy_is_set_from_outside(sleeper: int, scheduler: Scheduler, policy: int, nice: int | None) -> None:
    inherited = os.getpriority(os.PRIO_PROCESS, 0)
    attributes.grant(wanting(scheduler=scheduler), sleeper)
    flag = os.SCHED_RESET_ON_FORK if scheduler.flags else 0
    assert os.sched_getscheduler(sleeper) == policy | flag
    assert os.getpriority(os.PRIO_PROCESS, sleeper) == (inherited if nice is None else nice)


def test_a_policy_of_real_time_is_set_or_refused_by_name(sleeper: int) -> None:
    outcome = forked(lambda: attributes.grant(wanting(scheduler=Scheduler(policy="SCHED_FIFO", priority=7)), sleeper))
    if outcome.error is None:
        assert os.sched_getscheduler(sleeper) == os.SCHED_FIFO
        assert os.sched_getparam(sleeper).sched_priority == 7
    else:
        assert "SCHED_FIFO as in process.scheduler isn't possible without CAP_SYS_NICE" in str(outcome.error)


def test_a_deadline_is_set_or_refused_by_name(sleeper: int) -> None:
    wanted = Scheduler(policy="SCHED_DEADLINE", runtime=1_000_000, deadline=10_000_000, period=10_000_000)
    outcome = forked(lambda: attributes.grant(wanting(scheduler=wanted), sleeper))
    assert os.sched_getscheduler(sleeper) == 6 if outcome.error is None else "SCHED_DEADLINE" in str(outcome.error)


@pytest.mark.parametrize(
    ("scheduler", "sentence"),
    [
        (Scheduler(policy="SCHED_FIFO", priority=1000), "SCHED_FIFO as in process.scheduler isn't possible"),
        (Scheduler(policy="SCHED_DEADLINE"), "SCHED_DEADLINE as in process.scheduler isn't possible"),
        (Scheduler(policy="SCHED_ISO"), "SCHED_ISO as in process.scheduler isn't possible"),
    ],
)
def test_a_policy_that_can_t_be(scheduler: Scheduler, sentence: str) -> None:
    assert sentence in str(forked(lambda: attributes.grant(wanting(scheduler=scheduler))).error)


def test_real_time_without_privilege_is_refused_by_name() -> None:
    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(wanting(scheduler=Scheduler(policy="SCHED_RR", priority=1)))

    assert "SCHED_RR as in process.scheduler isn't possible without CAP_SYS_NICE" in str(forked(child).error)


def io_priority(pid: int) -> str:
    return subprocess.check_output(["ionice", "-p", str(pid)], text=True).strip()


@pytest.mark.parametrize(
    ("kind", "priority", "said"),
    [("BE", 2, "best-effort: prio 2"), ("RT", 5, "realtime: prio 5"), ("IDLE", 0, "idle")],
)
def test_an_io_priority_is_set_from_outside(sleeper: int, kind: str, priority: int, said: str) -> None:
    wanted = decode_part(f'{{"class": "IOPRIO_CLASS_{kind}", "priority": {priority}}}'.encode(), IOPriority)
    attributes.grant(wanting(io_priority=wanted), sleeper)
    assert io_priority(sleeper) == said


def test_an_io_priority_that_can_t_be_had() -> None:
    real_time, wrong = (IOPriority(class_="IOPRIO_CLASS_RT", priority=p) for p in (1, 9))

    def child() -> None:
        capabilities.set_sets(0, 0, 0)
        attributes.grant(wanting(io_priority=real_time))

    assert "IOPRIO_CLASS_RT as in process.ioPriority isn't possible without CAP_SYS_NICE" in str(forked(child).error)
    assert "priorities are 0 to 7" in str(forked(lambda: attributes.grant(wanting(io_priority=wrong))).error)


# Processors


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", {0}), ("0-3,7", {0, 1, 2, 3, 7}), (" 1 , 2 ", {1, 2}), ("5-5", {5}), ("10-11,0", {0, 10, 11})],
)
def test_lists_of_processors(text: str, numbers: set[int]) -> None:
    assert scheduling.processors(text) == numbers


@pytest.mark.parametrize("text", ["", ",", "a", "1-", "-1", "3-1", "0-99999999", "1--2", "0x1", "\u0663"])
def test_what_is_no_list_of_processors(text: str) -> None:
    assert "is not a list of numbers" in str(forked(lambda: attributes.pin(text)).error)


def test_a_process_is_pinned() -> None:
    first = min(os.sched_getaffinity(0))

    def child() -> list[int]:
        attributes.pin(str(first))
        return sorted(os.sched_getaffinity(0))

    assert forked(child).value == [first]


def test_processors_that_are_not_there_are_named() -> None:
    assert "can't run on the processors 1000-1003" in str(forked(lambda: attributes.pin("1000-1003")).error)


# Personality and memory policy


@pytest.mark.skipif(platform.machine() != "x86_64", reason="is about machines that can be 32 bits wide, too")
def test_a_personality_changes_what_uname_says() -> None:
    see = lambda: subprocess.check_output(["uname", "-m"], text=True).strip()  # noqa: E731
    assert taking_on(wanting(), see, Linux(personality=Personality(domain="LINUX32"))).value == "i686"
    assert taking_on(wanting(), see, Linux(personality=Personality(domain="LINUX"))).value == "x86_64"


def test_personality_flags_do_not_exist() -> None:
    linux = Linux(personality=Personality(domain="LINUX", flags=("ADDR_NO_RANDOMIZE",)))
    assert "there is no personality flag ADDR_NO_RANDOMIZE" in str(taking_on(wanting(), lambda: None, linux).error)


def test_a_memory_policy_is_set_or_refused_by_name() -> None:
    see = lambda: Path("/proc/self/numa_maps").read_text().split()[1]  # noqa: E731
    outcome = taking_on(wanting(), see, Linux(memory_policy=MemoryPolicy(mode="MPOL_INTERLEAVE", nodes="0")))
    if os.path.exists("/proc/self/numa_maps"):
        assert outcome.value == "interleave:0"
    else:
        assert "the memory policy MPOL_INTERLEAVE for the nodes 0 isn't possible" in str(outcome.error)


def test_nodes_that_are_not_there_are_named() -> None:
    linux = Linux(memory_policy=MemoryPolicy(mode="MPOL_BIND", nodes="1000-1001"))
    assert "the memory policy MPOL_BIND for the nodes 1000-1001" in str(taking_on(wanting(), lambda: None, linux).error)


# Labels


def test_an_apparmor_profile_is_refused_by_name_where_it_isnt() -> None:
    outcome = taking_on(wanting(apparmor_profile="boxdeck-nowhere"), lambda: None)
    if HAS_APPARMOR:
        assert "the AppArmor profile boxdeck-nowhere isn't loaded" in str(outcome.error)
    else:
        assert "boxdeck-nowhere can't be used: this kernel has no AppArmor" in str(outcome.error)


def test_unconfined_is_possible_everywhere() -> None:
    assert taking_on(wanting(apparmor_profile="unconfined"), lambda: "there").value == "there"


def test_an_selinux_label_is_refused_by_name() -> None:
    outcome = taking_on(wanting(selinux_label="system_u:system_r:container_t:s0"), lambda: None)
    assert "SELinux label system_u:system_r:container_t:s0 can't be used: this kernel has no SELinux" in str(
        outcome.error
    )
