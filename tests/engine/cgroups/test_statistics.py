"""Usage figures from kernel files: real texts as tables, and a real cgroup."""

from __future__ import annotations

import os

import pytest

from engine.cgroups import layout
from engine.cgroups.statistics import Usage, open_usage, parse_v1, parse_v2, read_once
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

MIB = 1 << 20

CPU_STAT = b"""usage_usec 153256
user_usec 100000
system_usec 53256
nr_periods 12
nr_throttled 3
throttled_usec 4711
"""
MEMORY_STAT_V2 = b"""anon 31457280
file 17825792
kernel 1048576
inactive_anon 31440896
active_anon 16384
inactive_file 10485760
active_file 7340032
workingset_refault_file 5
"""
MEMORY_EVENTS = b"low 0\nhigh 0\nmax 84\noom 2\noom_kill 1\noom_group_kill 0\n"
IO_STAT = b"""8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021
7:0
"""
MEMORY_STAT_V1 = b"""cache 4096
rss 31457280
inactive_file 1
total_cache 17825792
total_rss 31457280
total_inactive_file 10485760
total_active_file 7340032
"""
OOM_CONTROL = b"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"
BLKIO = b"""8:16 Read 1459200
8:16 Write 314773504
8:16 Sync 316232704
8:16 Async 0
8:16 Discard 0
8:16 Total 316232704
8:0 Read 90430464
8:0 Write 299008000
8:0 Total 389438464
Total 705671168
"""
EXPECTED = Usage(
    cpu_usage_usec=153_256,
    memory_bytes=50_331_648 - 10_485_760,
    memory_cache_bytes=17_825_792,
    pids=5,
    oom_kills=1,
    block_read_bytes=1_459_200 + 90_430_464,
    block_written_bytes=314_773_504 + 299_008_000,
)


def test_v2_files() -> None:
    assert parse_v2([CPU_STAT, b"50331648\n", MEMORY_STAT_V2, MEMORY_EVENTS, b"5\n", IO_STAT]) == EXPECTED


def test_v1_files() -> None:
    assert parse_v1([b"153256789\n", b"50331648\n", MEMORY_STAT_V1, OOM_CONTROL, b"5\n", BLKIO]) == EXPECTED


@pytest.mark.parametrize("parse", [parse_v1, parse_v2])
def test_missing_controllers_count_as_nothing(parse: type) -> None:
    assert parse([b""] * 6) == Usage()


def test_a_cache_that_shrank_between_two_reads_never_makes_memory_negative() -> None:
    assert parse_v2([b"", b"4096\n", MEMORY_STAT_V2, b"", b"", b""]).memory_bytes == 0
    assert parse_v1([b"", b"4096\n", MEMORY_STAT_V1, b"", b"", b""]).memory_bytes == 0


def test_an_old_kernel_without_a_count_of_oom_kills_has_none() -> None:
    assert parse_v1([b"", b"", b"", b"oom_kill_disable 0\nunder_oom 0\n", b"", b""]).oom_kills == 0


def test_v1_without_io_has_only_a_total() -> None:
    assert parse_v1([b"", b"", b"", b"", b"", b"Total 0\n"]).block_read_bytes == 0


@pytest.mark.vm
def test_a_process_that_holds_memory_and_time_is_seen(make: Make, spawn: Spawn) -> None:
    cgroup = make()
    child = spawn("""
held = bytearray(b"x" * (20 << 20))
end = time.process_time() + 0.05
while time.process_time() < end: pass
print("here", flush=True)
time.sleep(100)
""")
    reader = open_usage(layout.detect(), cgroup.path)
    try:
        cgroup.join(child.pid)
        let_go(child)
        assert line_from(child) == b"here"
        usage = reader.read()
    finally:
        reader.close()
    assert usage is not None
    assert 20 * MIB <= usage.memory_bytes < 60 * MIB
    assert usage.cpu_usage_usec >= 50_000
    assert usage.pids == 1


@pytest.mark.vm
def test_a_cgroup_that_has_gone_reads_as_none(make: Make) -> None:
    cgroup = make()
    reader = open_usage(layout.detect(), cgroup.path)
    try:
        assert reader.read() is not None
        cgroup.remove()
        assert reader.read() is None
    finally:
        reader.close()
    assert read_once(layout.detect(), cgroup.path) is None


@pytest.mark.vm
def test_readers_leave_no_descriptor_open(make: Make) -> None:
    cgroup = make()
    before = len(os.listdir("/proc/self/fd"))
    assert read_once(layout.detect(), cgroup.path) is not None
    assert len(os.listdir("/proc/self/fd")) == before
