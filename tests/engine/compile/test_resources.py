"""Limits as people give them, in the specification's units; what contradicts itself is refused in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.compile import resources
from engine.compile.device_limits import device_number
from engine.compile.resources import compile_resources
from engine.errors import InvalidRequest
from engine.model import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxHugepageLimit,
    LinuxMemory,
    LinuxPids,
    LinuxResources,
    LinuxThrottleDevice,
    LinuxWeightDevice,
)

MIB = 1 << 20
DEFAULT = LinuxPids(limit=2048)


def block_device() -> str:
    """A whole block device of this machine, by number."""
    for folder in sorted(Path("/sys/dev/block").iterdir()):
        if not (folder / "partition").exists():
            return folder.name
    pytest.skip("there is no block device here")


def everything(**parts: object) -> LinuxResources:
    return LinuxResources(**{"pids": DEFAULT, **parts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), everything()),
        (Limits(pids=7), everything(pids=LinuxPids(limit=7))),
        (Limits(pids=-1), everything(pids=LinuxPids(limit=-1))),
        (Limits(memory_bytes=64 * MIB), everything(memory=LinuxMemory(limit=64 * MIB, swap=128 * MIB))),
        (Limits(memory_bytes=-1), everything(memory=LinuxMemory(limit=-1))),
        (
            Limits(memory_bytes=64 * MIB, memory_swap_bytes=64 * MIB, memory_reservation_bytes=32 * MIB),
            everything(memory=LinuxMemory(limit=64 * MIB, swap=64 * MIB, reservation=32 * MIB)),
        ),
        (
            Limits(memory_bytes=64 * MIB, memory_swap_bytes=-1),
            everything(memory=LinuxMemory(limit=64 * MIB, swap=-1)),
        ),
        (
            Limits(memory_swappiness=0, oom_kill_disable=True),
            everything(memory=LinuxMemory(swappiness=0, disable_oom_killer=True)),
        ),
        (Limits(memory_high_bytes=9 * MIB), everything(unified={"memory.high": str(9 * MIB)})),
        (Limits(memory_high_bytes=-1), everything(unified={"memory.high": "max"})),
        (Limits(unified=(CgroupSetting("memory.min", "1M"),)), everything(unified={"memory.min": "1M"})),
        (
            Limits(unified=(CgroupSetting("io.max", "8:0 rbps=1"), CgroupSetting("io.max", "8:16 rbps=2"))),
            everything(unified={"io.max": "8:0 rbps=1\n8:16 rbps=2"}),
        ),
        (Limits(cpus=0.5), everything(cpu=LinuxCPU(quota=50_000, period=100_000))),
        (Limits(cpus=-1), everything(cpu=LinuxCPU(quota=-1))),
        (
            Limits(cpu_quota_usec=5000, cpu_period_usec=20_000, cpu_burst_usec=1000),
            everything(cpu=LinuxCPU(quota=5000, period=20_000, burst=1000)),
        ),
        (Limits(cpu_shares=512), everything(cpu=LinuxCPU(shares=512))),
        (Limits(cpu_idle=True), everything(cpu=LinuxCPU(idle=1))),
        (Limits(cpu_idle=False, cpu_shares=2), everything(cpu=LinuxCPU(idle=0, shares=2))),
        (
            Limits(cpuset_cpus="0", cpuset_mems="0", cpu_rt_runtime_usec=5, cpu_rt_period_usec=50),
            everything(cpu=LinuxCPU(cpus="0", mems="0", realtime_runtime=5, realtime_period=50)),
        ),
        (
            Limits(hugetlb=(HugetlbLimit("2MB", 4 * MIB),)),
            everything(hugepage_limits=(LinuxHugepageLimit(page_size="2MB", limit=4 * MIB),)),
        ),
        (Limits(io_weight=10), everything(block_io=LinuxBlockIO(weight=10))),
    ],
)
def test_limits_in_the_specifications_units(
    limits: Limits, expected: LinuxResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "has_swap_accounting", lambda: True)
    assert compile_resources(limits) == expected


def test_where_swap_is_not_counted_only_who_asks_for_a_limit_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "has_swap_accounting", lambda: False)
    assert compile_resources(Limits(memory_bytes=64 * MIB)).memory == LinuxMemory(limit=64 * MIB)
    asked = Limits(memory_bytes=64 * MIB, memory_swap_bytes=64 * MIB)
    assert compile_resources(asked).memory == LinuxMemory(limit=64 * MIB, swap=64 * MIB)


def test_disks_are_known_by_number_of_two_for_one_the_later_counts() -> None:
    device = block_device()
    major, minor = map(int, device.split(":"))
    rates = (DeviceLimit(device, 5), DeviceLimit(device, 7))
    found = compile_resources(Limits(device_weights=(DeviceLimit(device, 100),), device_reads=rates)).block_io
    assert found is not None
    assert found.weight_device == (LinuxWeightDevice(major=major, minor=minor, weight=100),)
    assert found.throttle_read_iops_device == (LinuxThrottleDevice(major=major, minor=minor, rate=7),)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(memory_bytes=MIB), "the memory limit is too small: give the container at least 6m"),
        (Limits(memory_bytes=-2), "the memory limit is too small"),
        (
            Limits(memory_bytes=8 * MIB, memory_reservation_bytes=9 * MIB),
            "--memory-reservation of 9437184 bytes is abo",
        ),
        (Limits(memory_bytes=8 * MIB, memory_high_bytes=9 * MIB), "--memory-high of 9437184 bytes is above the memory"),
        (Limits(memory_high_bytes=0), "0 is not an amount of memory"),
        (Limits(memory_bytes=8 * MIB, memory_swap_bytes=7 * MIB), "--memory-swap of 7340032 bytes is below the memory"),
        (Limits(memory_swap_bytes=8 * MIB), "there is no memory limit: add --memory"),
        (Limits(memory_bytes=-1, memory_swap_bytes=8 * MIB), "there is no memory limit: add --memory"),
        (Limits(memory_swappiness=101), "101 is not a swappiness"),
        (Limits(cpus=1, cpu_quota_usec=5000), "--cpus is another word for --cpu-quota and --cpu-period"),
        (Limits(cpus=1, cpu_period_usec=5000), "--cpus is another word for --cpu-quota and --cpu-period"),
        (Limits(cpus=0.001), "0.001 is not a number of CPUs"),
        (Limits(cpus=5000), "5000 CPUs are more than this machine has"),
        (Limits(cpu_quota_usec=999), "a CPU quota of 999 is too small"),
        (Limits(cpu_period_usec=999), "999 is not a CPU period"),
        (Limits(cpu_burst_usec=5), "a CPU burst is saved up from a quota, and there is none"),
        (Limits(cpus=-1, cpu_burst_usec=5), "a CPU burst is saved up from a quota, and there is none"),
        (Limits(cpu_quota_usec=5000, cpu_burst_usec=5001), "a CPU burst of 5001 microseconds is not within the quota"),
        (Limits(cpu_shares=1), "1 is not a share of CPUs"),
        (Limits(cpu_shares=262_145), "262145 is not a share of CPUs"),
        (Limits(cpu_shares=5, cpu_idle=True), "a container that only gets idle CPU time has no share"),
        (Limits(cpuset_cpus="4000"), "this machine has no CPU 4000: choose among "),
        (Limits(cpuset_mems="400"), "this machine has no memory node 400"),
        (Limits(cpuset_cpus="0-"), "'0-' is not a list of CPUs: write it as 0-3,7"),
        (Limits(cpuset_cpus="1-0"), "'1-0' is not a list of CPUs"),
        (Limits(cpuset_cpus="0-99999999"), "'0-99999999' is not a list of CPUs"),
        (Limits(pids=0), "0 is not a limit of processes"),
        (Limits(io_weight=9), "9 is not a weight of block IO"),
        (Limits(device_reads=(DeviceLimit("/dev/no-disk", 5),)), "there is no device /dev/no-disk: see what there is"),
        (Limits(device_reads=(DeviceLimit("4000:1", 5),)), "there is no block device 4000:1"),
        (Limits(device_reads=(DeviceLimit("/dev/null", 5),)), "/dev/null is not a block device"),
        (Limits(device_reads=(DeviceLimit("8:0", -5),)), "-5 is not a rate for 8:0"),
        (
            Limits(device_writes=(DeviceLimit("8:0", 1 << 32),)),
            "4294967296 is not a rate for 8:0: give a numb",
        ),
        (Limits(device_weights=(DeviceLimit("8:0", 5),)), "5 is not a weight for 8:0"),
        (
            Limits(memory_high_bytes=9 * MIB, unified=(CgroupSetting("memory.high", "5M"),)),
            "memory.high is given by name and by --cgroup-conf",
        ),
        (
            Limits(cpu_quota_usec=5000, unified=(CgroupSetting("cpu.max", "max"),)),
            "cpu.max is given by name and by --cgroup-conf",
        ),
    ],
)
def test_what_can_not_be_is_said_in_one_sentence(limits: Limits, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        compile_resources(limits)
    assert str(refused.value).startswith(sentence) or sentence in str(refused.value)


def test_a_disk_is_named_by_its_path_its_name_or_its_numbers() -> None:
    disk = next(Path("/sys/block").iterdir()).name
    numbers = Path("/sys/block", disk, "dev").read_text().strip()
    assert device_number(f"/dev/{disk}") == device_number(disk) == device_number(numbers)


def test_a_partition_is_refused_in_favour_of_its_disk() -> None:
    for folder in Path("/sys/dev/block").iterdir():
        if (folder / "partition").exists():
            disk = os.path.basename(os.path.dirname(os.path.realpath(folder)))
            with pytest.raises(InvalidRequest, match=f"is a partition, .* name /dev/{disk} instead"):
                device_number(folder.name)
            return
    pytest.skip("no disk here has partitions")
