"""What two readings say about the time between them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups.statistics.usage import CpuUsage, DeviceUsage, IoUsage, MemoryUsage, PidsUsage, Usage
from engine.model import (
    ContainerSample,
    CpuSample,
    DeviceSample,
    InterfaceSample,
    IoSample,
    Limits,
    MemorySample,
    NetworkSample,
    PidsSample,
    Pressure,
    Stall,
)
from engine.rates import Comparison, InterfaceCount, Reading, Traffic, compare

SECOND = 1_000_000_000
PRESSURE = Pressure(some=Stall(avg10_percent=1.5, avg60_percent=0.5, avg300_percent=0.25, total_usec=4711))
VETH = InterfaceCount(name="eth0", host_interface="bd-one")


def sda(*counts: int) -> DeviceUsage:
    return DeviceUsage("8:0", "sda", *counts)


def reading(at_ns: int, *devices: DeviceUsage, traffic: Traffic | None = None) -> Reading:
    return Reading(Usage(at_ns, CpuUsage(0), MemoryUsage(0, 0), IoUsage(devices), PidsUsage(0)), traffic)


def veth(at_ns: int, received_bytes: int) -> Traffic:
    return Traffic(at_ns, (msgspec.structs.replace(VETH, received_bytes=received_bytes),))


def io(now: Reading, before: Reading | None) -> IoSample:
    sample = compare("abc", now, before, Limits()).io
    assert sample is not None
    return sample


def test_growth_becomes_rates_and_the_rest_is_told_as_it_is() -> None:
    before = Reading(
        Usage(
            0,
            CpuUsage(1_000_000, 400_000, 600_000, 10, 1, 100),
            MemoryUsage(40, 30, faults=100, major_faults=2),
            IoUsage((sda(4096, 100, 1, 2),)),
            PidsUsage(4),
        ),
        Traffic(100, (msgspec.structs.replace(VETH, received_bytes=1000, sent_bytes=10, sent_packets=1),)),
    )
    now = Reading(
        Usage(
            2 * SECOND,
            CpuUsage(4_000_000, 2_400_000, 1_600_000, 30, 5, 2000, PRESSURE),
            MemoryUsage(48, 32, 16, 17, 3, 2, 64, 300, 5, 9, 1, PRESSURE),
            IoUsage((sda(8192, 300, 3, 6),), PRESSURE),
            PidsUsage(5, 7),
        ),
        Traffic(4 * SECOND + 100, (msgspec.structs.replace(VETH, received_bytes=5000, sent_bytes=30, sent_packets=9),)),
    )
    assert compare("abc", now, before, Limits(memory_bytes=256, cpus=2.0, pids=512)) == ContainerSample(
        container_id="abc",
        cpu=CpuSample(
            usage_usec=4_000_000,
            user_usec=2_400_000,
            system_usec=1_600_000,
            percent=150.0,
            user_percent=100.0,
            system_percent=50.0,
            limit_percent=200.0,
            periods=30,
            throttled_periods=5,
            throttled_usec=2000,
            pressure=PRESSURE,
        ),
        memory=MemorySample(
            current_bytes=48,
            working_set_bytes=32,
            anonymous_bytes=16,
            file_bytes=17,
            kernel_bytes=3,
            swap_bytes=2,
            peak_bytes=64,
            limit_bytes=256,
            faults=300,
            major_faults=5,
            faults_per_second=100.0,
            major_faults_per_second=1.5,
            limit_hits=9,
            oom_kills=1,
            pressure=PRESSURE,
        ),
        io=IoSample(
            read_bytes=8192,
            written_bytes=300,
            reads=3,
            writes=6,
            read_bytes_per_second=2048.0,
            written_bytes_per_second=100.0,
            reads_per_second=1.0,
            writes_per_second=2.0,
            devices=(
                DeviceSample(
                    device="8:0",
                    name="sda",
                    read_bytes=8192,
                    written_bytes=300,
                    reads=3,
                    writes=6,
                    read_bytes_per_second=2048.0,
                    written_bytes_per_second=100.0,
                    reads_per_second=1.0,
                    writes_per_second=2.0,
                ),
            ),
            pressure=PRESSURE,
        ),
        pids=PidsSample(current=5, limit=512, limit_hits=7),
        network=NetworkSample(
            received_bytes=5000,
            sent_bytes=30,
            received_bytes_per_second=1000.0,
            sent_bytes_per_second=5.0,
            interfaces=(
                InterfaceSample(
                    name="eth0",
                    host_interface="bd-one",
                    received_bytes=5000,
                    sent_bytes=30,
                    sent_packets=9,
                    received_bytes_per_second=1000.0,
                    sent_bytes_per_second=5.0,
                    received_packets_per_second=0.0,
                    sent_packets_per_second=2.0,
                ),
            ),
        ),
    )


def test_a_first_reading_has_totals_and_no_rates() -> None:
    now = reading(SECOND, sda(5, 6, 7, 8), traffic=veth(SECOND, 7))
    sample = compare("abc", now, None, Limits())
    assert sample.io is not None and sample.network is not None
    assert (sample.io.read_bytes, sample.network.received_bytes) == (5, 7)
    assert set(rates(sample)) == {None}


def test_controllers_that_are_off_have_no_part() -> None:
    now = Reading(Usage(SECOND))
    for before in (None, reading(0, sda(1)), Reading(Usage(0))):
        assert compare("abc", now, before, Limits(pids=5)) == ContainerSample(container_id="abc")


def test_a_controller_that_comes_later_has_no_rates_at_first() -> None:
    assert set(rates(compare("abc", reading(SECOND, sda(5)), Reading(Usage(0)), Limits()))) == {None}


def test_limits_that_arent_any_are_none() -> None:
    sample = compare("abc", reading(0), None, Limits(memory_bytes=-1, pids=-1, cpus=0.0))
    assert sample.cpu and sample.memory and sample.pids
    assert (sample.cpu.limit_percent, sample.memory.limit_bytes, sample.pids.limit) == (None, None, None)


def test_a_disk_that_is_used_for_the_first_time_counts_from_nothing() -> None:
    sdb = DeviceUsage("8:16", "sdb", read_bytes=500)
    sample = io(reading(SECOND, sda(100), sdb), reading(0, sda(100)))
    assert (sample.read_bytes_per_second, sample.devices[1].read_bytes_per_second) == (500.0, 500.0)


def test_a_disk_that_was_taken_away_doesnt_make_the_others_rates_wrong() -> None:
    sdb = DeviceUsage("8:16", "sdb", read_bytes=500)
    sample = io(reading(SECOND, sda(700)), reading(0, sda(100), sdb))
    assert (sample.read_bytes, sample.read_bytes_per_second) == (700, 600.0)


def test_one_disk_whose_count_was_reset_makes_the_sum_unknown_and_no_other() -> None:
    sdb = DeviceUsage("8:16", "sdb", read_bytes=500)
    sample = io(reading(SECOND, sda(1), sdb), reading(0, sda(100), sdb))
    assert [device.read_bytes_per_second for device in sample.devices] == [None, 0.0]
    assert (sample.read_bytes_per_second, sample.written_bytes_per_second) == (None, 0.0)


@pytest.mark.parametrize("later_ns", [-SECOND, 0, 1, 900_000])
def test_a_clock_that_stood_still_or_went_back_makes_no_rates(later_ns: int) -> None:
    before = reading(SECOND, sda(1), traffic=veth(SECOND, 1))
    now = reading(SECOND + later_ns, sda(2), traffic=veth(SECOND + later_ns, 2))
    assert set(rates(compare("abc", now, before, Limits()))) == {None}


def test_an_interface_that_wasnt_counted_before_has_no_rate() -> None:
    for before in (reading(0), reading(0, traffic=Traffic(0))):
        network = compare("abc", reading(SECOND, traffic=veth(SECOND, 7)), before, Limits()).network
        assert network is not None
        assert (network.received_bytes, network.received_bytes_per_second) == (7, None)


def rates(sample: object) -> Iterator[float | None]:
    """All rates in a sample and its parts."""
    for name in getattr(sample, "__struct_fields__", ()):
        value = getattr(sample, name)
        if isinstance(value, tuple):
            for part in value:
                yield from rates(part)
        elif name.endswith("_per_second") or (name.endswith("percent") and "limit" not in name and "avg" not in name):
            yield value
        else:
            yield from rates(value)


counts = st.integers(min_value=0, max_value=1 << 63)
maybe = st.none()
cpus = st.builds(CpuUsage, counts, counts, counts, maybe | counts, maybe | counts, maybe | counts)
memories = st.builds(MemoryUsage, counts, counts, faults=counts, major_faults=counts)
disks = st.builds(DeviceUsage, st.sampled_from(["8:0", "8:16", "7:1"]), st.just("disk"), counts, counts, counts, counts)
ios = st.builds(IoUsage, st.lists(disks, max_size=3, unique_by=lambda disk: disk.device).map(tuple))
usages = st.builds(
    Usage,
    st.integers(min_value=0, max_value=10 * SECOND),
    maybe | cpus,
    maybe | memories,
    maybe | ios,
    maybe | st.builds(PidsUsage, counts, counts),
)
veths = st.builds(
    InterfaceCount,
    name=st.just("eth0"),
    host_interface=st.sampled_from(["bd-one", "bd-two"]),
    received_bytes=counts,
    sent_packets=counts,
)
traffics = st.builds(
    Traffic,
    st.integers(min_value=0, max_value=10 * SECOND),
    st.lists(veths, max_size=2, unique_by=lambda count: count.host_interface).map(tuple),
)
readings = st.builds(Reading, usages, maybe | traffics)


@given(readings, maybe | readings)
def test_whatever_is_read_makes_a_sample_and_never_a_rate_below_0(now: Reading, before: Reading | None) -> None:
    sample = compare("abc", now, before, Limits())
    assert all(rate is None or rate >= 0 for rate in rates(sample))
    for part in ("cpu", "memory", "io", "pids"):
        assert (getattr(sample, part) is None) == (getattr(now.usage, part) is None)
    assert (sample.network is None) == (now.traffic is None)


@given(usages, st.integers(min_value=0, max_value=1 << 40), st.integers(min_value=1_000_000, max_value=SECOND))
def test_a_rate_times_its_time_is_what_was_added(before: Usage, added: int, passed_ns: int) -> None:
    if before.cpu is None:
        return
    cpu = msgspec.structs.replace(before.cpu, usage_usec=before.cpu.usage_usec + added)
    now = msgspec.structs.replace(before, at_ns=before.at_ns + passed_ns, cpu=cpu)
    sample = compare("abc", Reading(now), Reading(before), Limits()).cpu
    assert sample is not None and sample.percent is not None
    assert sample.percent / 100 * passed_ns / 1000 == pytest.approx(added)


steps = st.tuples(st.sampled_from(["rest", "work", "pids"]), st.sampled_from([0, 1, SECOND]), st.booleans())


@given(st.lists(steps, min_size=1, max_size=12), cpus, traffics)
def test_what_rests_has_the_sample_that_comparing_would_make(
    turns: list[tuple[str, int, bool]], cpu: CpuUsage, traffic: Traffic
) -> None:
    comparison, before, at_ns, limits = Comparison("abc"), None, 0, Limits(pids=3)
    pids = PidsUsage(1)
    for what, passed_ns, is_limited_anew in turns:
        at_ns += passed_ns
        if what == "work":
            cpu = msgspec.structs.replace(cpu, usage_usec=cpu.usage_usec + 1000)
        if what == "pids":
            pids = PidsUsage(pids.current + 1)
        if is_limited_anew:
            limits = Limits(pids=(limits.pids or 0) + 1)
        now = Reading(Usage(at_ns, cpu, None, None, pids), Traffic(at_ns, traffic.interfaces))
        assert comparison.sample(now, limits) == compare("abc", now, before, limits)
        before = now


def test_a_container_that_rests_has_one_sample_for_all_looks() -> None:
    comparison, limits, pids = Comparison("abc"), Limits(), PidsUsage(1)
    samples = [comparison.sample(Reading(Usage(second * SECOND, pids=pids)), limits) for second in range(4)]
    assert samples[1] is not samples[0]  # the first has no rates
    assert samples[3] is samples[2] is samples[1]
