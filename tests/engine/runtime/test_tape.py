"""From counters to figures: clocks that jump, counters that go backwards, controllers that are off."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from engine.cgroups.vitals import UNKNOWN, Vitals, parse_v1, parse_v2
from engine.runtime.tape import Reading, figures, seconds

V1_IO = b"8:0 Read 4096\n8:0 Write 100\n8:0 Sync 0\n8:16 Read 4\n8:16 Write 11\nTotal 4211\n"
V1_MEMORY = b"cache 1\nrss 2\ninactive_file 7\ntotal_cache 1\ntotal_inactive_file 50\ntotal_active_file 3\n"
V2_IO = b"8:0 rbytes=4096 wbytes=100 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=4 wbytes=11 rios=1 wios=1\n"


def reading(at: float, cpu: float = 0, memory: float = 0, read: float = 0, received: float = 0) -> Reading:
    return Reading(at, Vitals(cpu, memory, read, 0, 1), received, 0)


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
    off = Reading(2, Vitals(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN), UNKNOWN, UNKNOWN)
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
    found = parse_v1((b"2500000000\n", b"1050\n", V1_MEMORY, V1_IO, b"3\n"))
    assert found == Vitals(2.5, 1000, 4100, 111, 3)


def test_vitals_on_v2() -> None:
    stat = b"anon 3\nfile 60\ninactive_file 50\n"
    found = parse_v2((b"usage_usec 2500000\nuser_usec 1\n", b"1050\n", stat, V2_IO, b"3\n"))
    assert found == Vitals(2.5, 1000, 4100, 111, 3)


def test_a_cgroup_that_has_done_no_io_has_done_none() -> None:
    assert parse_v2((None, None, None, b"", None)).read_bytes == 0
    assert parse_v1((None, None, None, b"Total 0\n", None)).written_bytes == 0


@pytest.mark.parametrize("parse", [parse_v1, parse_v2])
def test_a_controller_that_is_off_is_no_zero(parse: Callable[[Sequence[bytes | None]], Vitals]) -> None:
    assert all(math.isnan(value) for value in parse((None,) * 5))
