"""Device rules as values: what they amount to, as v1's list and as v2's program, judged by one plain reading."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups import device_list, device_program, device_rules
from engine.cgroups.device_rules import ALWAYS_ALLOWED, DEFAULT_DEVICE_RULES, DeviceFilter
from engine.errors import InvalidRequest, Unsupported
from engine.linux import bpf
from engine.linux.bpf import Instruction
from engine.oci.resources_spec import LinuxDeviceCgroup

TYPES = {"b": 1, "c": 2}
ACCESSES = {"m": 1, "r": 2, "w": 4}
Device = tuple[str, int, int]

numbers = st.sampled_from([None, 0, 1, 3, 5, 136, (1 << 32) - 1])
rules = st.lists(
    st.builds(
        LinuxDeviceCgroup,
        allow=st.booleans(),
        type=st.sampled_from([None, "a", "b", "c"]),
        major=numbers,
        minor=numbers,
        access=st.sampled_from([None, "r", "w", "m", "rw", "rm", "rwm"]),
    ),
    min_size=1,
    max_size=8,
)
devices = st.tuples(
    st.sampled_from("bc"), st.sampled_from([0, 1, 3, 7, (1 << 32) - 1]), st.sampled_from([0, 3, 5, (1 << 32) - 1])
)
accesses = st.sampled_from(["r", "w", "m", "rw"])


def by_reading(given_rules: Sequence[LinuxDeviceCgroup], device: Device, access: str) -> bool:
    """What the specification's words say: for each access the last rule that matches decides."""
    return all(_letter_by_reading((*given_rules, *ALWAYS_ALLOWED), device, letter) for letter in access)


def _letter_by_reading(given_rules: Sequence[LinuxDeviceCgroup], device: Device, letter: str) -> bool:
    allowed = True
    for rule in given_rules:
        matches = rule.type in (None, "a", device[0])
        matches &= rule.major in (None, device[1]) and rule.minor in (None, device[2])
        if matches and letter in (rule.access or "rwm"):
            allowed = rule.allow
    return allowed


def by_program(program: Sequence[Instruction], device: Device, access: str) -> bool:
    """What the kernel's interpreter would make of a program."""
    word = TYPES[device[0]] | sum(ACCESSES[letter] for letter in access) << 16
    context = {0: word, 4: device[1], 8: device[2]}
    registers = [0] * 11
    at = 0
    while (step := program[at]).code != bpf.EXIT:
        value, immediate = registers[step.destination], step.immediate & 0xFFFFFFFF
        at += 1
        match step.code:
            case bpf.LOAD_WORD:
                registers[step.destination] = context[step.offset]
            case bpf.MOVE:
                registers[step.destination] = registers[step.source]
            case bpf.MOVE_IMMEDIATE:
                registers[step.destination] = immediate
            case bpf.AND_IMMEDIATE:
                registers[step.destination] = value & immediate
            case bpf.SHIFT_RIGHT_IMMEDIATE:
                registers[step.destination] = value >> immediate
            case bpf.JUMP:
                at += step.offset
            case bpf.JUMP_UNLESS_EQUAL:
                at += step.offset if value != immediate else 0
            case bpf.JUMP_IF_ANY:
                at += step.offset if value & immediate else 0
            case _:
                pytest.fail(f"an instruction nobody knows: {step}")
    return registers[0] == 1


def by_list(wanted: DeviceFilter, device: Device, access: str) -> bool:
    """What v1 makes of its list (security/device_cgroup.c): one entry must cover an allowed access as a whole."""
    asked = sum(ACCESSES[letter] for letter in access)
    entries = device_list.exceptions(wanted).items()
    found = [bits for (kind, major, minor), bits in entries if kind == device[0] and _fits((major, minor), device)]
    if wanted.allow:
        return not any(asked & bits for bits in found)
    return any(not asked & ~bits for bits in found)


def _fits(numbers: tuple[int | None, int | None], device: Device) -> bool:
    return numbers[0] in (None, device[1]) and numbers[1] in (None, device[2])


def settled(given_rules: Sequence[LinuxDeviceCgroup]) -> DeviceFilter:
    found = device_rules.settle(tuple(given_rules))
    assert found is not None
    return found


@given(rules, devices, accesses)
def test_the_program_of_v2_does_what_the_rules_say(
    given_rules: list[LinuxDeviceCgroup], device: Device, access: str
) -> None:
    program = device_program.build(settled(given_rules))
    assert by_program(program, device, access) == by_reading(given_rules, device, access)


@given(rules, devices, accesses)
def test_the_list_of_v1_allows_nothing_that_the_rules_deny(
    given_rules: list[LinuxDeviceCgroup], device: Device, access: str
) -> None:
    try:
        allowed = by_list(settled(given_rules), device, access)
    except Unsupported:  # a hole in a wildcard
        return
    said = by_reading(given_rules, device, access)
    assert said or not allowed
    if len(access) == 1:  # two overlapping wildcards that make up "rw" together are beyond v1
        assert allowed == said


@pytest.mark.parametrize(
    ("device", "access", "expected"),
    [
        (("c", 1, 3), "rw", True),  # null
        (("c", 136, 7), "rw", True),  # a pseudoterminal
        (("c", 5, 2), "rw", True),  # ptmx
        (("c", 1, 1), "r", False),  # mem
        (("c", 10, 200), "rw", False),  # tun
        (("b", 8, 0), "r", False),  # a disk
        (("b", 8, 0), "m", True),  # a node of it, which can't be opened
    ],
)
def test_defaults(device: Device, access: str, expected: bool) -> None:
    wanted = settled(DEFAULT_DEVICE_RULES)
    assert by_program(device_program.build(wanted), device, access) is expected
    assert by_list(wanted, device, access) is expected


def test_default_devices_stay_usable_whatever_the_list_says() -> None:
    wanted = settled([LinuxDeviceCgroup(allow=False)])
    assert wanted == settled(DEFAULT_DEVICE_RULES)
    assert by_list(wanted, ("c", 1, 3), "rw")


def test_no_list_is_no_filter_and_everything_allowed_needs_none() -> None:
    assert device_rules.settle(()) is None
    assert settled([LinuxDeviceCgroup(allow=False), LinuxDeviceCgroup(allow=True, access="rwm")]).is_open
    assert not settled([LinuxDeviceCgroup(allow=True), LinuxDeviceCgroup(allow=False, type="b", access="w")]).is_open


def test_writes_for_a_new_cgroup_and_for_one_in_use() -> None:
    wanted = settled([LinuxDeviceCgroup(allow=False), LinuxDeviceCgroup(allow=True, type="b", major=8, access="r")])
    settings = device_list.settings(wanted)
    assert settings[:2] == (("devices.deny", "a"), ("devices.allow", "b 8:* rm"))
    now = "\n".join(line for file, line in settings[1:])
    assert device_list.changes(now, wanted) == []
    assert device_list.changes(now + "\nc 10:229 rwm\nb 7:0 rw", wanted) == [
        ("devices.deny", "c 10:229 rwm"),
        ("devices.deny", "b 7:0 rw"),
    ]
    assert device_list.changes("a *:* rwm", wanted) is None


def test_a_hole_in_a_wildcard_is_refused_on_v1_by_its_name() -> None:
    hole = [
        LinuxDeviceCgroup(allow=False),
        LinuxDeviceCgroup(allow=True, type="b", major=8, access="rw"),
        LinuxDeviceCgroup(allow=False, type="b", major=8, minor=0, access="w"),
    ]
    with pytest.raises(Unsupported, match=r"can't make an exception from a device rule \(b 8:0 from b 8:\*\)"):
        device_list.exceptions(settled(hole))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (LinuxDeviceCgroup(allow=True, access="rx"), "'rx' is no access in a device rule"),
        (LinuxDeviceCgroup(allow=True, access=""), "'' is no access in a device rule"),
        (LinuxDeviceCgroup(allow=True, type="c", major=-2), "-2 is no device number in a device rule"),
    ],
)
def test_a_wrong_rule_is_an_error_in_one_sentence(rule: LinuxDeviceCgroup, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        device_rules.settle((rule,))
