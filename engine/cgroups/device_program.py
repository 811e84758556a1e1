"""The device filter of cgroup v2: a BPF program that the kernel asks at every open and mknod of a device.

cgroup-v2.rst, "Device controller". The program keeps the accesses still to be decided in a register and goes
through the rules from the last to the first, so that for each access the last rule that speaks of it decides.
"""

from __future__ import annotations

import functools

from engine.cgroups.device_rules import ALL_ACCESS, DeviceFilter, Rule
from engine.errors import Unsupported
from engine.linux import bpf
from engine.linux.bpf import Instruction

NAME = "boxdeck_devices"

_TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_*, the lower half of the context's first word; the upper has the accesses
_RESULT, _CONTEXT, _TYPE, _PENDING, _MAJOR, _MINOR = range(6)  # registers
_TYPE_BITS = 16


def build(wanted: DeviceFilter) -> tuple[Instruction, ...]:
    """The program for a filter; it returns 1 where a device may be used as asked, else 0."""
    program = [  # struct bpf_cgroup_dev_ctx: access_type, major, minor
        Instruction(bpf.LOAD_WORD, _TYPE, _CONTEXT, 0),
        Instruction(bpf.LOAD_WORD, _MAJOR, _CONTEXT, 4),
        Instruction(bpf.LOAD_WORD, _MINOR, _CONTEXT, 8),
        Instruction(bpf.MOVE, _PENDING, _TYPE),
        Instruction(bpf.SHIFT_RIGHT_IMMEDIATE, _PENDING, immediate=_TYPE_BITS),
        Instruction(bpf.AND_IMMEDIATE, _TYPE, immediate=(1 << _TYPE_BITS) - 1),
    ]
    for rule in reversed(wanted.rules):
        program += _decide(rule)
    return (*program, *_answer(wanted.allow))


def add(cgroup: int, wanted: DeviceFilter) -> None:
    """Let a filter decide for a new cgroup.

    Args:
        cgroup: a descriptor of its folder.

    Raises:
        Unsupported: we may not, or this kernel can't.
    """
    try:
        bpf.attach(cgroup, load(wanted), bpf.CGROUP_DEVICE)
    except OSError as error:
        raise _explained(error) from error


def replace(cgroup: int, wanted: DeviceFilter) -> None:
    """Let a filter decide for a cgroup, in the place of ours that does so now, without a moment in between.

    Args:
        cgroup: a descriptor of its folder.

    Raises:
        Unsupported: we may not, or this kernel can't.
    """
    attached: list[int] = []
    try:
        attached = bpf.attached(cgroup, bpf.CGROUP_DEVICE)
        ours = next((program for program in attached if bpf.name_of(program) == NAME), None)
        if not wanted.is_open:
            bpf.attach(cgroup, load(wanted), bpf.CGROUP_DEVICE, replaced=ours)
        elif ours is not None:
            bpf.detach(cgroup, ours, bpf.CGROUP_DEVICE)
    except OSError as error:
        raise _explained(error) from error
    finally:
        bpf.close_all(attached)


def _explained(error: OSError) -> Unsupported:
    cause = f"devices can't be filtered on cgroup v2 ({error.strerror})"
    return Unsupported(cause, "root with CAP_SYS_ADMIN is needed")


@functools.cache
def load(wanted: DeviceFilter) -> int:
    """A descriptor of the loaded program; once a process and filter, so children of the launcher share its.

    Raises:
        OSError: as `bpf.load`.
    """
    return bpf.load(bpf.PROG_TYPE_CGROUP_DEVICE, bpf.encode(build(wanted)), NAME)


def _decide(rule: Rule) -> list[Instruction]:
    verdict = _verdict(rule)
    wanted = [(_TYPE, _TYPES[rule.type]), (_MAJOR, rule.major), (_MINOR, rule.minor)]
    tests = [(register, value) for register, value in wanted if value is not None]
    jumps = []
    for number, (register, value) in enumerate(tests, start=1):
        over = len(tests) - number + len(verdict)
        jumps.append(Instruction(bpf.JUMP_UNLESS_EQUAL, register, offset=over, immediate=_signed(value)))
    return [*jumps, *verdict]


def _verdict(rule: Rule) -> list[Instruction]:
    """What to do once a rule matches: an allowed access needs no further look, one that is denied ends it."""
    answer = _answer(rule.allow)
    if rule.access == ALL_ACCESS:
        return answer
    if rule.allow:
        left = ALL_ACCESS & ~rule.access
        return [
            Instruction(bpf.AND_IMMEDIATE, _PENDING, immediate=left),
            Instruction(bpf.JUMP_UNLESS_EQUAL, _PENDING, offset=len(answer), immediate=0),
            *answer,
        ]
    return [
        Instruction(bpf.JUMP_IF_ANY, _PENDING, offset=1, immediate=rule.access),
        Instruction(bpf.JUMP, offset=len(answer)),
        *answer,
    ]


def _answer(allow: bool) -> list[Instruction]:
    return [Instruction(bpf.MOVE_IMMEDIATE, _RESULT, immediate=int(allow)), Instruction(bpf.EXIT)]


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
