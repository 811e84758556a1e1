"""What the kernel tells of trouble in a cgroup: alarms that go off, counts, and names in its log."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from engine.cgroups import layout, trouble
from engine.cgroups.alarms import Alarm, Kind
from engine.cgroups.manager import Cgroup
from engine.cgroups.victims import last_victim
from engine.linux import kernel_log
from engine.oci.resources_spec import LinuxMemory, LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

MIB = 1 << 20
LOG = [
    b"6,1,1,-;Memory cgroup stats for /boxdeck/one: anon 1",
    *(
        b"6,2,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/boxdeck,"
        + end
        for end in (
            b"task_memcg=/boxdeck/one/payload,task=perl,pid=17,uid=0\n",
            b"task_memcg=/boxdeck/one,task=a,pid=9,b c,pid=18,uid=0\n",
            b"task_memcg=/boxdeck/one2,task=java,pid=19,uid=0\n",
            b"task_memcg=/boxdeck/three,task=x,task_memcg=/boxdeck/two,pid=20,uid=0\n",
        )
    ),
]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/boxdeck/one", "a,pid=9,b c"),
        ("/boxdeck/one2", "java"),
        ("/boxdeck/three", "x,task_memcg=/boxdeck/two"),
        ("/boxdeck/two", ""),
        ("/boxdeck", "x,task_memcg=/boxdeck/two"),
        ("/boxdeck/on", ""),
    ],
)
def test_the_last_victim_of_a_cgroup_is_found_by_its_path_alone(path: str, name: str) -> None:
    assert last_victim(LOG, path) == name


@pytest.mark.vm
def test_the_kernels_log_can_be_read_to_its_end() -> None:
    before = len(os.listdir("/proc/self/fd"))
    found = list(kernel_log.records())
    assert found and all(b";" in record for record in found)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def small(make: Make) -> Cgroup:
    return make(resources=LinuxResources(memory=LinuxMemory(limit=32 * MIB, swap=32 * MIB), pids=LinuxPids(limit=3)))


@pytest.fixture
def found(small: Cgroup) -> Iterator[tuple[trouble.Trouble, list[Alarm]]]:
    side = trouble.find(small.path)
    alarms = side.alarms()
    yield side, alarms
    for alarm in alarms:
        os.close(alarm.descriptor)


def off(alarms: list[Alarm], seconds: float = 0) -> set[Kind]:
    """The kinds of those that have gone off."""
    poll = select.poll()
    for alarm in alarms:
        poll.register(alarm.descriptor, select.POLLPRI if alarm.urgent else select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
    return {alarm.kind for alarm in alarms if alarm.descriptor in ready}


@pytest.mark.vm
def test_alarms_are_silent_until_something_happens(found: tuple[trouble.Trouble, list[Alarm]]) -> None:
    side, alarms = found
    assert {alarm.kind for alarm in alarms} == {"oom", "memory", "pids"} and len(alarms) <= 4
    assert off(alarms) == set()
    assert (side.oom_kills(), side.pids_refused(), side.is_full(), side.is_stopped()) == (0, 0, False, False)


@pytest.mark.vm
def test_a_kill_sets_off_the_alarm_and_is_counted(
    small: Cgroup, found: tuple[trouble.Trouble, list[Alarm]], spawn: Spawn
) -> None:
    side, alarms = found
    child = spawn("bytearray(256 << 20)")
    small.join(child.pid)
    let_go(child)
    child.wait(timeout=60)
    assert "oom" in off(alarms, 10) and side.oom_kills() == 1
    for alarm in alarms:
        alarm.clear()
    assert off(alarms) == set()


@pytest.mark.vm
def test_a_refused_process_is_counted_and_heard_of_where_the_kernel_tells(
    small: Cgroup, found: tuple[trouble.Trouble, list[Alarm]], spawn: Spawn
) -> None:
    side, alarms = found
    child = spawn(
        "failed = 0\nfor _ in range(5):\n"
        "    try:\n        os.fork() or time.sleep(100)\n    except OSError:\n        failed += 1\n"
        "print(failed, flush=True); time.sleep(100)"
    )
    small.join(child.pid)
    let_go(child)
    refused = int(line_from(child))
    assert side.pids_refused() == refused == 3
    told = off(alarms, 0.5)
    if [kind for kind, *_ in side.unheard() if kind == "pids"]:
        (silent,) = (alarm for alarm in alarms if alarm.kind == "pids")
        silent.sound()
        told = off(alarms)
    assert told == {"pids"}


@pytest.mark.vm
def test_what_nothing_has_happened_to_reads_as_untouched(small: Cgroup) -> None:
    for _, path, text in trouble.find(small.path).unheard():
        with open(path, "rb") as file:
            assert file.read() == text
    assert bool(trouble.find(small.path).unheard()) == (layout.detect().version != "v2")


@pytest.mark.vm
def test_a_cgroup_that_isnt_there_has_no_alarm_and_counts_nothing(parent: str) -> None:
    side = trouble.find(f"/{parent}/nowhere")
    assert side.alarms() == []
    assert (side.oom_kills(), side.pids_refused(), side.is_full(), side.is_stopped()) == (0, 0, False, False)
