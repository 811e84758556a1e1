"""``boxdeck update``, and the limits of ``run`` as ``inspect`` shows them."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from engine.cgroups import layout
from engine.cli.command import Parser
from engine.cli.limit_options import LimitOptions, limit_arguments, limits_of
from engine.errors import InvalidRequest
from engine.model import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from tests.command_line import CommandLine

MIB = 1 << 20
IS_V2 = layout.detect().version == "v2"


def parsed(*arguments: str) -> Limits:
    parser = Parser(prog="boxdeck update", allow_abbrev=False)
    limit_arguments(parser)
    return limits_of(parser.parse_args(arguments, LimitOptions()))


@pytest.mark.parametrize(
    ("arguments", "limits"),
    [
        ((), Limits()),
        (("-m", "64m", "--memory-swap", "-1"), Limits(memory_bytes=64 * MIB, memory_swap_bytes=-1)),
        (("-m", "64m", "--memory-swap", "0"), Limits(memory_bytes=64 * MIB)),
        (("-m", "0"), Limits(memory_bytes=-1)),
        (("--memory-high", "1g"), Limits(memory_high_bytes=1 << 30)),
        (("--memory-reservation", "20m"), Limits(memory_reservation_bytes=20 * MIB)),
        (("--memory-swappiness", "0"), Limits(memory_swappiness=0)),
        (("--oom-kill-disable",), Limits(oom_kill_disable=True)),
        (("--no-oom-kill-disable",), Limits(oom_kill_disable=False)),
        (("--cpus", "1.5"), Limits(cpus=1.5)),
        (("--cpus", "0"), Limits(cpus=-1)),
        (("--cpu-quota", "-1", "--cpu-period", "5000"), Limits(cpu_quota_usec=-1, cpu_period_usec=5000)),
        (("--cpu-burst", "9"), Limits(cpu_burst_usec=9)),
        (("-c", "512"), Limits(cpu_shares=512)),
        (("--cpu-shares", "512", "--cpu-idle"), Limits(cpu_shares=512, cpu_idle=True)),
        (("--no-cpu-idle",), Limits(cpu_idle=False)),
        (("--cpuset-cpus", "0-1", "--cpuset-mems", "0"), Limits(cpuset_cpus="0-1", cpuset_mems="0")),
        (("--cpu-rt-runtime", "5", "--cpu-rt-period", "9"), Limits(cpu_rt_runtime_usec=5, cpu_rt_period_usec=9)),
        (("--blkio-weight", "300"), Limits(io_weight=300)),
        (("--blkio-weight-device", "/dev/sda:300"), Limits(device_weights=(DeviceLimit("/dev/sda", 300),))),
        (
            ("--device-read-bps", "/dev/sda:1m", "--device-read-bps", "8:16:2m"),
            Limits(device_read_bytes=(DeviceLimit("/dev/sda", MIB), DeviceLimit("8:16", 2 * MIB))),
        ),
        (("--device-write-bps", "8:0:0"), Limits(device_written_bytes=(DeviceLimit("8:0", 0),))),
        (("--device-read-iops", "8:0:50"), Limits(device_reads=(DeviceLimit("8:0", 50),))),
        (("--device-write-iops", "8:0:60"), Limits(device_writes=(DeviceLimit("8:0", 60),))),
        (("--pids-limit", "-1"), Limits(pids=-1)),
        (("--hugetlb", "2MB:64m"), Limits(hugetlb=(HugetlbLimit("2MB", 64 * MIB),))),
        (
            ("--hugetlb", "1GB:0", "--hugetlb", "2MB:-1"),
            Limits(hugetlb=(HugetlbLimit("1GB", 0), HugetlbLimit("2MB", -1))),
        ),
        (("--cgroup-conf", "io.max=8:0 rbps=1"), Limits(unified=(CgroupSetting("io.max", "8:0 rbps=1"),))),
    ],
)
def test_every_limit_has_an_option(arguments: tuple[str, ...], limits: Limits) -> None:
    assert parsed(*arguments) == limits


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--memory", "lots"), "'lots' is not a size"),
        (("--cpu-shares", "1.5"), "'1.5' is not a whole number"),
        (("--device-read-bps", "/dev/sda"), "doesn't limit a device; write it as /dev/sda:1m"),
        (("--device-read-bps", ":1m"), "doesn't limit a device"),
        (("--device-read-iops", "/dev/sda:1m"), "ends with no number"),
        (("--hugetlb", "2MB"), "doesn't limit huge pages; write SIZE:LIMIT such as 2MB:64m"),
        (("--hugetlb", "../2MB:1m"), "doesn't limit huge pages"),
        (("--cgroup-conf", "memory.high"), "sets nothing; write FILE=VALUE"),
    ],
)
def test_what_can_not_be_read_is_said_with_an_example(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises((InvalidRequest, argparse.ArgumentTypeError), match=words):
        parsed(*arguments)


def test_several_containers_are_updated_and_inspect_shows_it(boxdeck: CommandLine) -> None:
    for name in ("one", "two-er"):
        boxdeck.ok("run", "-d", "--name", name, "-m", "64m", "--network", "none", "base", "sleep", "99")
    answer = boxdeck("update", "-m", "96m", "--cpu-shares", "512", "--pids-limit", "30", "one", "nobody", "two-er")
    assert (answer.status, answer.lines) == (125, ["one", "two-er"])
    assert answer.sentence.startswith("boxdeck: there is no container 'nobody'")
    for document in boxdeck("inspect", "one", "two-er").json:
        asked, binds = document["HostConfig"], document["LimitsInForce"]
        assert (asked["Memory"], asked["MemorySwap"], asked["CpuShares"]) == (96 * MIB, 192 * MIB, 512)
        assert (binds["Memory"], binds["PidsLimit"]) == (96 * MIB, 30)
        assert binds["MemoryFrom"].endswith(document["Id"])
        assert binds["CpusFrom"] == "machine"
        assert document["RuntimeSpec"]["linux"]["resources"]["memory"]["limit"] == 96 * MIB
    boxdeck.ok("stop", "-t", "0", "one")
    assert boxdeck("inspect", "one").json[0]["LimitsInForce"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "no limit was given: name at least one"),
        (("--cpus", "1", "--cpu-quota", "5000"), "--cpus is another word for --cpu-quota"),
        (("--cpuset-cpus", "4000"), "this machine has no CPU 4000"),
        (("--memory-swappiness", "10") if IS_V2 else ("--cgroup-conf", "memory.high=1"), "cgroup v"),
    ],
)
def test_an_update_that_is_refused_is_one_sentence(boxdeck: CommandLine, options: tuple[str, ...], words: str) -> None:
    boxdeck.ok("create", "--name", "calm", "--network", "none", "base", "true")
    answer = boxdeck("update", *options, "calm")
    assert answer.status == 125
    assert words in answer.sentence
    if options:
        answer = boxdeck("run", *options, "--network", "none", "base", "true")
        assert answer.status == 125
        assert words in answer.sentence
        assert boxdeck.names("-a") == ["calm"]


def test_a_limit_above_what_the_machine_has_is_taken_and_said_to_hold_nothing_back(boxdeck: CommandLine) -> None:
    words = "warning: a memory limit of 8PiB holds nothing back here: the machine has "
    answer = boxdeck("run", "-d", "--name", "large", "-m", str(8 << 50), "--network", "none", "base", "sleep", "99")
    assert answer.status == 0 and words in answer.err
    answer = boxdeck("update", "-m", str(8 << 50), "large")
    assert answer.status == 0 and words in answer.err
    assert boxdeck("inspect", "large").json[0]["LimitsInForce"]["MemoryFrom"] == "machine"
    assert words not in boxdeck("update", "-m", "64m", "large").err


@pytest.mark.vm
def test_a_weight_of_disks_is_said_to_count_for_nothing_where_none_is_shared_by_it(boxdeck: CommandLine) -> None:
    words = "warning: a weight of disks counts for nothing here, as none is shared by weight"
    schedulers = [path.read_text() for path in Path("/sys/block").glob("*/queue/scheduler")]
    if any("[bfq]" in each for each in schedulers):
        pytest.skip("a disk here is shared by weight")
    answer = boxdeck("run", "-d", "--name", "one", "--blkio-weight", "300", "--network", "none", "base", "sleep", "99")
    if answer.status != 0:
        assert "weight" in answer.sentence  # neither BFQ nor a cost model in this kernel
        return
    assert words in answer.err
    assert words in boxdeck("update", "--blkio-weight", "500", "one").err
    assert words not in boxdeck("update", "-m", "64m", "one").err
