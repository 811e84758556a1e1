"""Looks at many containers, one after the other: what is kept between them, and what isn't."""

from __future__ import annotations

import gc
import itertools
import os
import time

import pytest
from msgspec.structs import replace

from engine import descriptors
from engine.cgroups import layout
from engine.cgroups.statistics.reader import MOST_FILES
from engine.host import HostReader
from engine.network.counters import CounterReader
from engine.oci.resources_spec import LinuxPids, LinuxResources
from engine.survey import Survey
from tests.engine.sampled import MIB, Machine, machine, make, parent, part, spawn

__all__ = ["machine", "make", "parent", "spawn"]  # fixtures

pytestmark = pytest.mark.vm


def test_changed_limits_are_read_at_once_when_the_record_says_so_and_soon_in_any_case(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup = machine.start("one")
    survey, seconds = Survey(machine.cgroup_path), itertools.count(1)
    try:
        assert part(survey.look(machine.running)["one"].pids).limit == 20
        cgroup.update(LinuxResources(pids=LinuxPids(limit=30)))
        machine.running[0] = replace(machine.running[0], name="changed")
        assert part(survey.look(machine.running)["one"].pids).limit == 30
        cgroup.update(LinuxResources(pids=LinuxPids(limit=40)))
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + next(seconds))
        limits = [part(survey.look(machine.running)["one"].pids).limit for _ in range(21)]
        assert limits[-1] == 40
    finally:
        survey.close()


def test_ten_thousand_looks_take_no_memory_and_no_descriptors(machine: Machine) -> None:
    looks = 200 if layout.detect().version == "v2" else 10_000  # there a machine is emulated, at a tenth of its speed
    machine.start("one")
    machine.start("two")
    survey, host = Survey(machine.cgroup_path, CounterReader), HostReader()

    def look(times: int) -> None:
        for _ in range(times):
            survey.look(machine.running)
            host.read(survey.devices)

    try:
        look(looks // 20)
        gc.collect()
        objects, descriptors_open, resident = len(gc.get_objects()), os.listdir("/proc/self/fd"), resident_bytes()
        look(looks)
        gc.collect()
        assert len(gc.get_objects()) - objects < 100
        assert len(os.listdir("/proc/self/fd")) == len(descriptors_open)
        assert resident_bytes() - resident < 2 * MIB
    finally:
        survey.close()
        host.close()


def resident_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_more_containers_than_descriptors_are_read_by_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.start("one")
    machine.start("two")
    survey = Survey(machine.cgroup_path)
    monkeypatch.setattr(descriptors, "make_room", lambda wanted: MOST_FILES)
    try:
        survey.look([])
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            samples = survey.look(machine.running)
            assert [part(samples[name].pids).current for name in ("one", "two")] == [1, 1]
        assert len(os.listdir("/proc/self/fd")) - before <= MOST_FILES
    finally:
        survey.close()
