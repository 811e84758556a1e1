"""A container's cgroup on the real kernel, v1 or v2, whichever is here."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from engine.cgroups import folders, layout, manager
from engine.cgroups.manager import Cgroup
from engine.errors import Conflict, InvalidRequest, NotFound, Unsupported
from engine.linux import clone
from engine.model import Limits
from engine.oci.resources_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

pytestmark = pytest.mark.vm

MIB = 1 << 20
LIMITED = LinuxResources(
    memory=LinuxMemory(limit=64 * MIB), cpu=LinuxCPU(quota=50_000, period=100_000), pids=LinuxPids(limit=20)
)
SLEEP = "print('here', flush=True); time.sleep(100)"
BOMB = """
while True:
    try:
        os.fork()
    except OSError:
        pass
"""


def test_limits_read_back_as_they_were_given(make: Make) -> None:
    assert make(resources=LIMITED).read_limits() == Limits(memory_bytes=64 * MIB, cpus=0.5, pids=20)


def test_without_limits_there_are_none(make: Make) -> None:
    assert make().read_limits() == Limits()


def test_limits_can_be_changed_later(make: Make) -> None:
    cgroup = make(resources=LIMITED)
    cgroup.update(LinuxResources(pids=LinuxPids(limit=7), memory=LinuxMemory(limit=-1)))
    assert cgroup.read_limits() == Limits(cpus=0.5, pids=7)


def test_a_change_that_is_refused_in_part_changes_nothing(make: Make) -> None:
    cgroup = make(resources=LIMITED)
    before = cgroup.read_limits()
    with pytest.raises(InvalidRequest, match=r"the kernel refuses .* for cpu\.(max|cfs_quota_us)"):
        cgroup.update(
            LinuxResources(memory=LinuxMemory(limit=32 * MIB), cpu=LinuxCPU(quota=1), pids=LinuxPids(limit=7))
        )
    assert cgroup.read_limits() == before


def test_a_process_that_was_put_in_is_listed_until_it_is_killed(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn(SLEEP)
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"here"
    assert cgroup.processes() == [child.pid]
    cgroup.kill()
    assert cgroup.processes() == []
    assert child.wait() == -signal.SIGKILL


def test_a_container_that_may_find_its_cgroups_is_at_the_top_of_no_hierarchy(parent: str, spawn: Spawn) -> None:
    # Whoever is root outside and mounts a hierarchy in a user namespace of his own sees it from his cgroup down. At
    # the top there is release_agent, which the kernel runs on the host (CVE-2022-0492), and everybody else's cgroup.
    cgroup, child = Cgroup.create(f"/{parent}/one", LinuxResources(), below_limits=True), spawn(SLEEP)
    cgroup.join(child.pid)
    lines = [line.split(":", 2) for line in Path(f"/proc/{child.pid}/cgroup").read_text().splitlines()]
    is_v2 = layout.detect().version == "v2"
    assert {path for _, names, path in lines if names or is_v2} == {f"/{parent}/one/payload"}


def test_a_process_can_put_itself_in(make: Make) -> None:
    cgroup = make()
    pid = os.fork()
    if pid == 0:
        cgroup.join(0)
        time.sleep(100)
        os._exit(0)
    try:
        assert wait_for(cgroup, 1) == [pid]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_on_v2_a_process_can_start_inside(make: Make) -> None:
    cgroup = make()
    if cgroup.descriptor is None:
        assert layout.detect().version != "v2"
        return
    child = clone.clone(0, cgroup.descriptor)
    if child.pid == 0:
        time.sleep(100)
        os._exit(0)
    assert cgroup.processes() == [child.pid]
    cgroup.kill()
    os.waitpid(child.pid, 0)
    os.close(child.pidfd)


def test_who_takes_too_much_memory_is_killed_and_counted(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(memory=LinuxMemory(limit=32 * MIB, swap=32 * MIB)))
    child = spawn("bytearray(256 << 20)")
    cgroup.join(child.pid)
    assert cgroup.oom_kills() == 0
    let_go(child)
    assert child.wait(timeout=60) == -signal.SIGKILL
    assert cgroup.oom_kills() == 1


def test_forks_end_at_the_limit_of_processes(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(pids=LinuxPids(limit=10)))
    child = spawn("""
for number in range(100):
    try:
        if os.fork() == 0:
            time.sleep(100)
    except BlockingIOError:
        print(number, flush=True)
        time.sleep(100)
""")
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"9"
    assert len(cgroup.processes()) == 10


def test_a_fork_bomb_is_killed_to_the_last(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LIMITED)
    child = spawn(BOMB)
    cgroup.join(child.pid)
    let_go(child)
    wait_for(cgroup, 15)
    cgroup.kill()
    assert cgroup.processes() == []
    assert cgroup.remove()


def test_processes_that_are_frozen_use_no_time_until_they_thaw(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn("print('here', flush=True)\nwhile True: pass")
    cgroup.join(child.pid)
    let_go(child)
    line_from(child)
    cgroup.freeze()
    before = cpu_ticks(child)
    time.sleep(0.1)
    assert cpu_ticks(child) == before
    cgroup.thaw()
    deadline = time.monotonic() + 10
    while cpu_ticks(child) == before:
        assert time.monotonic() < deadline


def test_frozen_processes_can_be_killed(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn(SLEEP)
    cgroup.join(child.pid)
    cgroup.freeze()
    cgroup.kill()
    assert child.wait(timeout=10) == -signal.SIGKILL


def test_cgroups_that_a_container_made_below_its_own_go_with_it(make: Make, spawn: Spawn) -> None:
    outer, inner, child = make("one"), make("one/inner/innermost"), spawn(SLEEP)
    inner.join(child.pid)
    assert outer.processes() == [child.pid]
    outer.kill()
    assert outer.remove()
    assert_gone(outer)


def test_a_cgroup_in_use_is_not_removed_and_one_that_has_gone_is_no_error(
    make: Make, spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_LEAVING_SECONDS", 0.05)
    cgroup, child = make(), spawn(SLEEP)
    cgroup.join(child.pid)
    assert not cgroup.remove()
    cgroup.kill()
    assert cgroup.remove()
    assert cgroup.remove()
    cgroup.kill()
    assert cgroup.processes() == []
    assert cgroup.oom_kills() == 0


def test_a_refused_limit_leaves_nothing_behind(parent: str, make: Make) -> None:
    with pytest.raises(InvalidRequest, match=r"the kernel refuses .* for cpu\.(max|cfs_quota_us)"):
        make(resources=LinuxResources(memory=LinuxMemory(limit=64 * MIB), cpu=LinuxCPU(quota=1, period=100_000)))
    assert_gone(Cgroup(f"/{parent}"))


def test_a_cgroup_with_processes_is_not_taken_over(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn(SLEEP)
    cgroup.join(child.pid)
    with pytest.raises(Conflict, match="is in use"):
        make()
    assert cgroup.processes() == [child.pid]


def test_an_empty_leftover_is_replaced(make: Make) -> None:
    make(resources=LIMITED)
    assert make().read_limits() == Limits()


def test_what_exists_can_be_found_and_opened(parent: str, make: Make) -> None:
    assert manager.list_children(parent) == []
    make("two")
    make("one", LIMITED)
    assert manager.list_children(parent) == ["one", "two"]
    assert Cgroup.open(f"/{parent}/one").read_limits().pids == 20
    with pytest.raises(NotFound):
        Cgroup.open(f"/{parent}/three")


def test_the_parent_stays_while_a_container_is_in_it(parent: str, make: Make) -> None:
    cgroup = make()
    assert not manager.remove_parent(parent)
    cgroup.remove()
    assert manager.remove_parent(parent)
    assert_gone(Cgroup(f"/{parent}"))


@pytest.mark.parametrize("path", ["", "/", "boxdeck/one", "/boxdeck/../one", "/boxdeck//one", "/boxdeck/./one"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a path of a cgroup"):
        Cgroup(path)


def test_a_controller_that_is_missing_is_named_and_nothing_is_made(
    parent: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = layout.detect()
    without = layout.Layout(here.version, ("cpu", "memory"), here.hierarchies, here.unified, here.spare)
    monkeypatch.setattr(layout, "detect", lambda: without)
    with pytest.raises(Unsupported, match="the pids controller"):
        make(resources=LIMITED)
    assert_gone(Cgroup(f"/{parent}"))


def assert_gone(cgroup: Cgroup) -> None:
    assert [folder for folder in cgroup.folders if Path(folder).exists()] == []


def wait_for(cgroup: Cgroup, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := cgroup.processes()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def cpu_ticks(child: subprocess.Popen[bytes]) -> int:
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
