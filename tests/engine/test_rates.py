"""What two readings say about the time between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups.statistics import Usage
from engine.model import ContainerSample, Limits
from engine.rates import Reading, Traffic, compare

SECOND = 1_000_000_000


def test_rates_are_growth_per_second() -> None:
    before = Reading(0, Usage(1_000_000, 1, 1, 1, 0, 4096, 100), Traffic(100, 1000, 10))
    now = Reading(2 * SECOND, Usage(4_000_000, 48, 17, 5, 1, 8192, 300), Traffic(4 * SECOND + 100, 5000, 30))
    assert compare("abc", now, before, Limits(memory_bytes=256, cpus=2.0, pids=512)) == ContainerSample(
        container_id="abc",
        cpu_usage_usec=4_000_000,
        cpu_percent=150.0,
        cpu_limit_percent=200.0,
        memory_bytes=48,
        memory_cache_bytes=17,
        memory_limit_bytes=256,
        pids=5,
        pids_limit=512,
        oom_kills=1,
        block_read_bytes=8192,
        block_written_bytes=300,
        block_read_bytes_per_second=2048.0,
        block_written_bytes_per_second=100.0,
        network_received_bytes=5000,
        network_sent_bytes=30,
        network_received_bytes_per_second=1000.0,
        network_sent_bytes_per_second=5.0,
    )


def test_a_first_reading_has_totals_and_no_rates() -> None:
    sample = compare("abc", Reading(SECOND, Usage(5_000_000), Traffic(SECOND, 7, 8)), None, Limits())
    assert (sample.cpu_usage_usec, sample.network_received_bytes) == (5_000_000, 7)
    assert (sample.cpu_percent, sample.network_received_bytes_per_second) == (0.0, 0.0)
    assert (sample.cpu_limit_percent, sample.memory_limit_bytes, sample.pids_limit) == (None, None, None)


def test_traffic_that_wasnt_counted_before_has_no_rate() -> None:
    before, now = Reading(0, Usage()), Reading(SECOND, Usage(), Traffic(SECOND, 7, 8))
    assert compare("abc", now, before, Limits()).network_received_bytes_per_second == 0.0


counters = st.integers(min_value=0, max_value=1 << 63)


@given(counters, counters, st.integers(min_value=0, max_value=SECOND))
def test_a_counter_that_was_reset_never_makes_a_negative_rate(before: int, now: int, nanoseconds: int) -> None:
    sample = compare("abc", Reading(nanoseconds, Usage(now)), Reading(0, Usage(before)), Limits())
    assert sample.cpu_percent >= 0
