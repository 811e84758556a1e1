"""What ``events`` prints: names that callers of runc read, figures of a real cgroup, and word of memory running out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
import pytest

from engine.cgroups import events, oom
from engine.cgroups.manager import Cgroup
from engine.errors import Unsupported
from engine.oci.resources_spec import LinuxMemory, LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from
from tests.engine.cgroups.kernel_texts import BLKIO, CPU_STAT, IO_STAT, MEMORY_EVENTS, MEMORY_STAT_V1, MEMORY_STAT_V2

MIB = 1 << 20
TEXTS_V2 = {
    "cpu.stat": CPU_STAT.decode(),
    "memory.stat": MEMORY_STAT_V2.decode(),
    "memory.events": MEMORY_EVENTS.decode(),
    "memory.current": "50331648",
    "memory.max": "67108864",
    "memory.swap.current": "4096",
    "memory.swap.max": "max",
    "io.stat": IO_STAT.decode(),
    "pids.current": "5",
    "pids.max": "20",
    "hugetlb.2MB.current": "4194304",
    "hugetlb.2MB.events": "max 3",
}
TEXTS_V1 = {
    "cpuacct.usage": "153256789",
    "cpuacct.usage_user": "100000000",
    "cpuacct.usage_sys": "53256789",
    "cpuacct.usage_percpu": "100000000 53256789 ",
    "cpu.stat": "nr_periods 12\nnr_throttled 3\nthrottled_time 4711000",
    "memory.stat": MEMORY_STAT_V1.decode(),
    "memory.usage_in_bytes": "50331648",
    "memory.limit_in_bytes": "67108864",
    "memory.failcnt": "84",
    "blkio.throttle.io_service_bytes_recursive": BLKIO.decode(),
    "pids.current": "5",
    "pids.max": "max",
    "hugetlb.2MB.usage_in_bytes": "4194304",
    "hugetlb.2MB.failcnt": "3",
}


def test_v2_files_under_runcs_names() -> None:
    found = msgspec.to_builtins(events.stats_v2(lambda _, file: TEXTS_V2.get(file, ""), ("2MB", "1GB")))
    assert found["cpu"]["usage"] == {"kernel": 53_256_000, "user": 100_000_000, "total": 153_256_000}
    assert found["cpu"]["throttling"] == {"periods": 12, "throttledPeriods": 3, "throttledTime": 4_711_000}
    assert found["memory"]["usage"] == {"limit": 67_108_864, "failcnt": 84, "usage": 50_331_648}
    assert found["memory"]["swap"] == {"limit": events.UNLIMITED, "failcnt": 0, "usage": 50_335_744}
    assert found["memory"]["cache"] == 17_825_792
    assert found["memory"]["raw"]["anon"] == 31_457_280
    assert found["pids"] == {"current": 5, "limit": 20}
    assert found["hugetlb"] == {"2MB": {"failcnt": 3, "usage": 4_194_304}}
    assert {"major": 8, "minor": 16, "op": "Read", "value": 1_459_200} in found["blkio"]["ioServiceBytesRecursive"]
    assert {"major": 8, "op": "Write", "value": 1252} in found["blkio"]["ioServicedRecursive"]


def test_v1_files_under_runcs_names() -> None:
    found = msgspec.to_builtins(events.stats_v1(lambda _, file: TEXTS_V1.get(file, ""), ("2MB",)))
    assert found["cpu"]["usage"] == {
        "kernel": 53_256_789,
        "user": 100_000_000,
        "total": 153_256_789,
        "percpu": (100_000_000, 53_256_789),
    }
    assert found["cpu"]["throttling"] == {"periods": 12, "throttledPeriods": 3, "throttledTime": 4_711_000}
    assert found["memory"]["usage"] == {"limit": 67_108_864, "failcnt": 84, "usage": 50_331_648}
    assert found["memory"]["kernelTCP"] == {"limit": 0, "failcnt": 0}
    assert found["pids"] == {"current": 5}
    assert found["hugetlb"] == {"2MB": {"failcnt": 3, "usage": 4_194_304}}
    assert {"major": 8, "op": "Total", "value": 389_438_464} in found["blkio"]["ioServiceBytesRecursive"]
    assert len(found["blkio"]["ioServiceBytesRecursive"]) == 9


def test_nothing_but_missing_files_is_all_zeros() -> None:
    for parse in (events.stats_v1, events.stats_v2):
        assert parse(lambda _controller, _file: "", ()).pids.current == 0


def test_an_event_without_figures_is_short() -> None:
    assert events.runc_oom("one") == b'{"type":"oom","id":"one"}'


@pytest.mark.vm
def test_a_real_cgroup_has_its_figures(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(memory=LinuxMemory(limit=64 * MIB), pids=LinuxPids(limit=20)))
    child = spawn("held = bytearray(b'x' * (20 << 20)); print('here', flush=True); time.sleep(100)")
    cgroup.join(child.pid)
    let_go(child)
    line_from(child)
    event = msgspec.json.decode(events.runc_stats(cgroup, "one"), type=events.Event)
    assert (event.type, event.id) == ("stats", "one")
    assert event.data is not None
    assert event.data.memory.usage.limit == 64 * MIB
    assert 20 * MIB < event.data.memory.usage.usage < 64 * MIB
    assert event.data.cpu.usage.total > 0
    assert event.data.pids == events.Pids(current=1, limit=20)


@pytest.fixture
def small(make: Make) -> Cgroup:
    return make(resources=LinuxResources(memory=LinuxMemory(limit=32 * MIB, swap=32 * MIB)))


@pytest.fixture
def watch(small: Cgroup) -> Iterator[oom.OomWatch]:
    before = len(os.listdir("/proc/self/fd"))
    found = oom.watch_oom(small)
    yield found
    found.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.vm
def test_word_comes_when_memory_runs_out(small: Cgroup, watch: oom.OomWatch, spawn: Spawn) -> None:
    assert oom.wait(watch, 0) == 0
    child = spawn("bytearray(256 << 20)")
    small.join(child.pid)
    let_go(child)
    child.wait(timeout=60)
    assert oom.wait(watch, 10) == 1
    assert oom.wait(watch, 0) == 0


@pytest.mark.vm
def test_a_cgroup_that_has_gone_says_so(small: Cgroup, watch: oom.OomWatch) -> None:
    small.remove()
    assert oom.wait(watch, 0.1) is None


@pytest.mark.vm
def test_what_isn_t_there_can_t_be_watched(parent: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Unsupported, match="the kernel doesn't tell when memory runs out"):
        oom.watch_oom(Cgroup(f"/{parent}/nowhere"))
    assert len(os.listdir("/proc/self/fd")) == before
