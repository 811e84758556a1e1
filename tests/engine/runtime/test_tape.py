"""From counters to figures: clocks that jump, counters that go backwards, controllers that are off."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.cgroups.layout import Layout
from engine.cgroups.vitals import UNKNOWN, Vitals, VitalsReader, parse_v1, parse_v2
from engine.runtime.tape import Reading, figures, seconds

V1_IO = b"8:0 Read 4096\n8:0 Write 100\n8:0 Sync 0\n8:16 Read 4\n8:16 Write 11\nTotal 4211\n"
V1_MEMORY = (
    b"cache 1\nrss 2\nswap 4\ninactive_file 7\nhierarchical_memory_limit 9\n"
    b"total_cache 70\ntotal_rss 900\ntotal_rss_huge 5\ntotal_swap 8\ntotal_inactive_file 50\ntotal_active_file 3\n"
)
V2_MEMORY = b"anon 900\nfile 70\nkernel 30\nkernel_stack 16\ninactive_anon 4\nactive_anon 2\ninactive_file 50\n"
V2_IO = b"8:0 rbytes=4096 wbytes=100 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=4 wbytes=11 rios=1 wios=1\n"

PRESSURE = "some avg10={0}.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


def reading(at: float, cpu: float = 0, memory: float = 0, read: float = 0, received: float = 0) -> Reading:
    vitals = Vitals(cpu_seconds=cpu, memory_bytes=memory, read_bytes=read, written_bytes=0, pids=1)
    return Reading(at, vitals, received, 0)


def test_rates_are_growth_by_the_time_between() -> None:
    found = figures(reading(12, cpu=3, memory=5, read=100, received=30), reading(10, cpu=2, memory=9))
    assert (found.cpu_percent, found.memory_bytes, found.read_bytes_per_second) == (50, 5, 50)
    assert (found.received_bytes_per_second, found.pids) == (15, 1)


def test_a_counter_that_went_backwards_is_no_rate() -> None:
    found = figures(reading(2, cpu=1), reading(1, cpu=2))
    assert math.isnan(found.cpu_percent) and found.read_bytes_per_second == 0


def test_no_time_is_no_rate() -> None:
    assert math.isnan(figures(reading(1, cpu=1), reading(1)).cpu_percent)


def test_what_is_not_known_stays_unknown() -> None:
    off = Reading(2, Vitals(), UNKNOWN, UNKNOWN)
    assert all(math.isnan(value) for value in figures(off, off._replace(at=1)))


@pytest.mark.parametrize(
    ("second", "last", "elapsed", "expected"),
    [
        (101, 100, 1.0, [101]),
        (104, 100, 4.1, [101, 102, 103, 104]),  # the recorder couldn't run
        (104, 100, 1.0, [104]),  # the clock was set forward, or the machine slept
        (90, 100, 1.0, [90]),  # it was set back
        (100, 100, 1.0, [100]),
        (1100, 100, 1000.0, [1100]),  # too long for an average
        (104, 100, 9.0, [104]),  # set back while the recorder couldn't run
    ],
)
def test_the_seconds_that_a_reading_stands_for(second: int, last: int, elapsed: float, expected: list[int]) -> None:
    assert list(seconds(second, last, elapsed)) == expected


def test_vitals_on_v1() -> None:
    found = parse_v1((b"2500000000\n", b"user 200\nsystem 50\n", b"1050\n", V1_MEMORY, V1_IO, b"3\n"), (30,))
    assert found[:9] == (2.5, 0.5, 1000, 900, 70, 30, 8, 4100, 111) and found.pids == 3
    assert all(math.isnan(stalled) for stalled in found[9:12])


def test_vitals_on_v2() -> None:
    cpu = b"usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
    found = parse_v2((cpu, b"1050\n", V2_MEMORY, V2_IO, b"3\n"), (8, 1.5, 0.25, 40))
    assert found == Vitals(2.5, 0.5, 1000, 900, 70, 30, 8, 4100, 111, 1.5, 0.25, 40, 3)


def test_what_a_kernel_does_not_tell_is_no_zero() -> None:
    stat = V2_MEMORY.replace(b"kernel 30\n", b"")  # before Linux 5.18
    assert math.isnan(parse_v2((None, b"1050\n", stat, None, None), (UNKNOWN,) * 4).kernel_bytes)


def test_a_cgroup_that_has_done_no_io_has_done_none() -> None:
    assert parse_v2((None, None, None, b"", None), (UNKNOWN,) * 4).read_bytes == 0
    assert parse_v1((None, None, None, None, b"Total 0\n", None), (UNKNOWN,)).written_bytes == 0


def test_a_controller_that_is_off_is_no_zero() -> None:
    off = (*parse_v1((None,) * 6, (UNKNOWN,)), *parse_v2((None,) * 5, (UNKNOWN,) * 4))
    assert all(math.isnan(value) for value in off)


def test_what_moves_slowly_is_read_in_turn(tmp_path: Path) -> None:
    for file in ("cpu.stat", "memory.current", "memory.stat", "io.stat", "pids.current"):
        (tmp_path / file).write_text("1")
    slow = {"memory.swap.current": "{0}", **dict.fromkeys(("cpu.pressure", "memory.pressure", "io.pressure"), PRESSURE)}
    reader: VitalsReader | None = None
    read: list[tuple[float, ...]] = []
    for number in range(1, 6):
        for file, text in slow.items():
            (tmp_path / file).write_text(text.format(number))
        reader = reader or VitalsReader(Layout("v2", (), unified=str(tmp_path)), "")
        found = reader.read()
        read.append(
            (found.swap_bytes, found.cpu_stalled_percent, found.memory_stalled_percent, found.io_stalled_percent)
        )
    assert reader is not None
    reader.close()
    assert read == [(1, 1, 1, 1), (1, 2, 1, 1), (1, 2, 3, 1), (1, 2, 3, 4), (5, 2, 3, 4)]
