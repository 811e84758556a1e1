"""What binds a cgroup in the end: its own limit, a tighter one above it, or the machine."""

from __future__ import annotations

import os

import pytest

from engine.cgroups.in_force import InForce, in_force
from engine.cgroups.lists import count, numbers
from engine.cgroups.manager import Cgroup
from engine.model.limits_in_force import MACHINE
from engine.oci.resources_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make

pytestmark = pytest.mark.vm

MIB = 1 << 20


def limited(memory: int | None = None, cpus: float | None = None, pids: int | None = None) -> LinuxResources:
    return LinuxResources(
        memory=LinuxMemory(limit=memory) if memory else None,
        cpu=LinuxCPU(quota=round(cpus * 100_000), period=100_000) if cpus else None,
        pids=LinuxPids(limit=pids) if pids else None,
    )


@pytest.fixture
def above(make: Make, parent: str) -> Cgroup:
    """The parent of the test's cgroups, which has limits of its own."""
    make("first")
    parent_of_all = Cgroup(f"/{parent}")
    parent_of_all.update(limited(64 * MIB, 0.5, 100))
    return parent_of_all


def test_without_limits_the_machine_is_the_bound(make: Make) -> None:
    found = in_force(make().path)
    assert found.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (found.memory_from, found.cpus_from, found.pids_from) == (MACHINE, MACHINE, MACHINE)
    assert (found.memory_limit_bytes, found.cpus_limit, found.pids_limit) == (None, None, None)
    assert found.cpus == os.cpu_count()


def test_of_a_limit_of_its_own_and_one_above_the_tighter_counts(make: Make, above: Cgroup) -> None:
    loose, tight = make("loose", limited(128 * MIB, None, 200)), make("tight", limited(32 * MIB, 0.25, 50))
    found = in_force(loose.path)
    assert (found.memory_bytes, found.memory_from) == (64 * MIB, above.path)
    assert (found.cpus, found.cpus_from) == (0.5, above.path)
    assert (found.pids, found.pids_from) == (100, above.path)
    found = in_force(tight.path)
    assert (found.memory_limit_bytes, found.memory_from) == (32 * MIB, tight.path)
    assert (found.cpus_limit, found.cpus_from) == (0.25, tight.path)
    assert (found.pids_limit, found.pids_from) == (50, tight.path)


def test_two_above_count_as_well(parent: str, above: Cgroup) -> None:
    deep = Cgroup.create(f"/{parent}/first/second", limited(None, None, 7))
    found = in_force(deep.path)
    assert (found.memory_from, found.cpus_from, found.pids_from) == (above.path, above.path, deep.path)
    deep.remove()


def test_the_processors_that_it_may_run_on_bound_its_time(make: Make) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("there is one processor only")
    pinned = make(resources=LinuxResources(cpu=LinuxCPU(cpus="0", quota=150_000, period=100_000)))
    assert (in_force(pinned.path).cpus, in_force(pinned.path).cpus_from) == (1.0, pinned.path)


def test_what_is_above_is_read_once_for_many(make: Make, above: Cgroup, monkeypatch: pytest.MonkeyPatch) -> None:
    cgroups = [make(f"number{number}") for number in range(5)]
    reader = InForce()
    assert reader.read(cgroups[0].path).pids == 100
    above.update(limited(pids=90))
    assert [reader.read(cgroup.path).pids for cgroup in cgroups] == [100] * 5
    monkeypatch.setattr("engine.cgroups.in_force._ANCESTORS_KEPT_SECONDS", 0)
    assert InForce().read(cgroups[0].path).pids == 90


def test_a_cgroup_that_has_gone_is_bound_by_what_is_above(make: Make, above: Cgroup) -> None:
    gone = make("gone", limited(8 * MIB))
    gone.remove()
    assert in_force(gone.path).memory_from == above.path


@pytest.mark.parametrize(("text", "found"), [("", None), ("0", 1), ("0-3,7", 5), ("2-2", 1)])
def test_lists_are_counted(text: str, found: int | None) -> None:
    assert count(text) == found
    assert len(numbers(text)) == (found or 0)
