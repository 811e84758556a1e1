"""The fields of the form of limits: what stands in them, and what a change of their text changes."""

from __future__ import annotations

import pytest
from msgspec.structs import fields

from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from tui.limit_words import EVERY, FieldError, as_set, change_of

MIB = 1 << 20


def change(limits: Limits, **texts: str) -> Limits:
    """What becomes of limits when these texts are typed into their fields."""
    before = [(word, word.text_of(limits)) for word in EVERY]
    assert texts.keys() <= {word.name for word in EVERY}
    return change_of(before, [(word, texts.get(word.name, text)) for word, text in before])


def test_every_limit_has_a_field() -> None:
    assert {word.field for word in EVERY} == {field.name for field in fields(Limits)}
    assert len({word.name for word in EVERY}) == len(EVERY)


@pytest.mark.parametrize(
    ("limits", "texts", "changed"),
    [
        (Limits(memory_bytes=64 * MIB), {}, Limits()),
        (Limits(), {"swap": "-1", "high": "90m"}, Limits(memory_swap_bytes=-1, memory_high_bytes=90 * MIB)),
        (Limits(), {"quota": "20000", "burst": "500"}, Limits(cpu_quota_usec=20_000, cpu_burst_usec=500)),
        (
            Limits(cpu_quota_usec=5000, cpu_period_usec=9000, cpu_burst_usec=7),
            {"quota": "", "period": "", "burst": ""},
            Limits(cpu_quota_usec=-1, cpu_period_usec=100_000, cpu_burst_usec=0),
        ),
        (Limits(), {"idle": "yes", "nodes": "0"}, Limits(cpu_idle=True, cpuset_mems="0")),
        (Limits(cpu_idle=True, oom_kill_disable=True), {"idle": "no", "unkilled": ""},
         Limits(cpu_idle=False, oom_kill_disable=False)),
        (Limits(memory_swappiness=10), {"swappiness": "0"}, Limits(memory_swappiness=0)),
        (Limits(), {"realtime": "5000", "rt-period": "90000"},
         Limits(cpu_rt_runtime_usec=5000, cpu_rt_period_usec=90_000)),
        (
            Limits(device_read_bytes=(DeviceLimit("/dev/sda", 5 * MIB), DeviceLimit("/dev/sdb", MIB))),
            {"reading": "8:0:5m /dev/sdb:1m"},  # the later of two names for one disk is what counts
            Limits(device_read_bytes=(DeviceLimit("/dev/sda", 0), DeviceLimit("8:0", 5 * MIB))),
        ),
        (
            Limits(device_weights=(DeviceLimit("8:0", 500), DeviceLimit("8:16", 20))),
            {"weights": "8:16:30"},
            Limits(device_weights=(DeviceLimit("8:0", 100), DeviceLimit("8:16", 30))),
        ),
        (
            Limits(hugetlb=(HugetlbLimit("2MB", 4 * MIB),)),
            {"pages": "1GB:0"},
            Limits(hugetlb=(HugetlbLimit("2MB", -1), HugetlbLimit("1GB", 0))),
        ),
        (
            Limits(unified=(CgroupSetting("io.max", "8:0 rbps=5\n8:16 rbps=6"), CgroupSetting("memory.min", "9"))),
            {"raw": "'io.max=8:0 rbps=5' 'io.max=8:16 rbps=max' memory.min=9 memory.oom.group=1"},
            Limits(unified=(CgroupSetting("io.max", "8:16 rbps=max"), CgroupSetting("memory.oom.group", "1"))),
        ),
    ],
)  # fmt: skip
def test_only_what_was_changed_is_asked_for(limits: Limits, texts: dict[str, str], changed: Limits) -> None:
    assert change(limits, **texts) == changed


@pytest.mark.parametrize(
    ("limits", "texts", "field", "words"),
    [
        (Limits(), {"idle": "perhaps"}, "idle", "'perhaps' is neither yes nor no"),
        (Limits(), {"swappiness": "101"}, "swappiness", "isn't a number from 0 to 100"),
        (Limits(memory_swappiness=9), {"swappiness": ""}, "swappiness", "can be changed, but not taken away"),
        (Limits(), {"pages": "2MB"}, "pages", "doesn't limit huge pages"),
        (Limits(), {"raw": "memory.min"}, "raw", "sets nothing"),
        (Limits(), {"raw": "'memory.min=5"}, "raw", "No closing quotation"),
        (Limits(unified=(CgroupSetting("memory.min", "5"),)), {"raw": ""}, "raw", "memory.min can be changed, but not"),
        (Limits(), {"nodes": "zero"}, "nodes", "'zero' isn't a list of memory nodes"),
    ],
)
def test_what_can_not_be_is_said_at_its_field(limits: Limits, texts: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(FieldError, match=words) as refused:
        change(limits, **texts)
    assert refused.value.field == field


def test_raw_weights_are_not_offered_beside_shares() -> None:
    own = Limits(unified=(CgroupSetting("cpu.weight", "79"), CgroupSetting("memory.min", "5")))
    assert as_set(own) == Limits(unified=(CgroupSetting("memory.min", "5"),))
