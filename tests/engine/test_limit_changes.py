"""What becomes of a container's limits when some are changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.limit_changes import changed, lasting, touched
from engine.model import CgroupSetting, DeviceLimit, HugetlbLimit, Limits

READS = (DeviceLimit("8:0", 100), DeviceLimit("8:16", 200))


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (Limits(memory_bytes=1, pids=5), Limits(pids=7), Limits(memory_bytes=1, pids=7)),
        (Limits(cpus=1.5), Limits(cpus=0.5), Limits(cpus=0.5)),
        (Limits(cpu_quota_usec=7, cpu_period_usec=9), Limits(cpus=2), Limits(cpus=2)),
        (Limits(cpus=1.5), Limits(cpu_quota_usec=9000), Limits(cpu_quota_usec=9000, cpu_period_usec=100_000)),
        (Limits(cpus=1.5), Limits(cpu_period_usec=50_000), Limits(cpu_quota_usec=150_000, cpu_period_usec=50_000)),
        (Limits(cpus=-1), Limits(cpu_period_usec=50_000), Limits(cpu_quota_usec=-1, cpu_period_usec=50_000)),
        (Limits(cpus=1, cpu_burst_usec=5), Limits(cpus=-1), Limits(cpus=-1, cpu_burst_usec=0)),
        (
            Limits(cpu_quota_usec=9, cpu_burst_usec=5),
            Limits(cpu_quota_usec=-1),
            Limits(cpu_quota_usec=-1, cpu_burst_usec=0),
        ),
        (Limits(memory_bytes=5, memory_swap_bytes=9), Limits(memory_bytes=-1), Limits(memory_bytes=-1)),
        (Limits(cpu_shares=512), Limits(cpu_idle=True), Limits(cpu_idle=True)),
        (Limits(cpu_idle=True), Limits(cpu_idle=False, cpu_shares=9), Limits(cpu_idle=False, cpu_shares=9)),
        (
            Limits(device_reads=READS),
            Limits(device_reads=(DeviceLimit("8:16", 0), DeviceLimit("8:32", 5))),
            Limits(device_reads=(READS[0], DeviceLimit("8:16", 0), DeviceLimit("8:32", 5))),
        ),
        (
            Limits(hugetlb=(HugetlbLimit("2MB", 5),), unified=(CgroupSetting("memory.min", "1"),)),
            Limits(hugetlb=(HugetlbLimit("1GB", 6),), unified=(CgroupSetting("memory.min", "2"),)),
            Limits(
                hugetlb=(HugetlbLimit("2MB", 5), HugetlbLimit("1GB", 6)), unified=(CgroupSetting("memory.min", "2"),)
            ),
        ),
        (
            Limits(unified=(CgroupSetting("io.max", "8:0 rbps=5 wbps=max"),)),
            Limits(unified=(CgroupSetting("io.max", "8:16 riops=9"), CgroupSetting("io.max", "8:0 wbps=7"))),
            Limits(unified=(CgroupSetting("io.max", "8:16 riops=9\n8:0 rbps=5 wbps=7"),)),
        ),
        (
            Limits(unified=(CgroupSetting("io.weight", "default 50\n8:0 200"), CgroupSetting("cpu.max", "5 9"))),
            Limits(unified=(CgroupSetting("io.weight", "8:0 100"), CgroupSetting("cpu.max", "max 9"))),
            Limits(unified=(CgroupSetting("io.weight", "default 50\n8:0 100"), CgroupSetting("cpu.max", "max 9"))),
        ),
        (
            Limits(pids=7, cpu_quota_usec=5000, unified=(CgroupSetting("memory.high", "9M"),)),
            Limits(memory_high_bytes=5, unified=(CgroupSetting("pids.max", "9"), CgroupSetting("cpu.max", "8000"))),
            Limits(memory_high_bytes=5, unified=(CgroupSetting("pids.max", "9"), CgroupSetting("cpu.max", "8000"))),
        ),
    ],
)
def test_what_is_given_replaces_what_was(before: Limits, change: Limits, after: Limits) -> None:
    assert changed(before, change) == after


@pytest.mark.parametrize(
    ("after", "change", "written"),
    [
        (Limits(memory_bytes=5, pids=7), Limits(pids=7), Limits(pids=7)),
        (
            Limits(memory_bytes=5, memory_swap_bytes=9, pids=7),
            Limits(memory_bytes=5),
            Limits(memory_bytes=5, memory_swap_bytes=9),
        ),
        (Limits(cpus=2, cpu_burst_usec=3), Limits(cpu_burst_usec=3), Limits(cpus=2, cpu_burst_usec=3)),
        (
            Limits(device_reads=(*READS, DeviceLimit("8:32", 0)), pids=5),
            Limits(device_reads=(DeviceLimit("8:32", 0),)),
            Limits(device_reads=(DeviceLimit("8:32", 0),)),
        ),
    ],
)
def test_only_what_a_change_touches_is_written(after: Limits, change: Limits, written: Limits) -> None:
    assert touched(after, change) == written


def test_a_rate_that_was_lifted_is_not_kept() -> None:
    assert lasting(Limits(device_reads=(*READS, DeviceLimit("8:32", 0)))) == Limits(device_reads=READS)


def test_a_disk_is_the_same_one_by_whichever_name() -> None:
    disk = next(Path("/sys/block").glob("[sv]d?/dev"), None)
    if disk is None:
        pytest.skip("this machine has no disk")
    name, number = disk.parent.name, disk.read_text().strip()
    before = Limits(device_reads=(DeviceLimit(number, 60),))
    named = changed(before, Limits(device_reads=(DeviceLimit(f"/dev/{name}", 7),)))
    assert named == Limits(device_reads=(DeviceLimit(f"/dev/{name}", 7),))
    assert lasting(changed(named, Limits(device_reads=(DeviceLimit(number, 0),)))) == Limits()
