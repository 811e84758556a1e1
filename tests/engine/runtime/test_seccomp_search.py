"""A rearranged filter answers as the one that libseccomp made, whatever is asked."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.linux import libseccomp
from engine.linux.libseccomp import Condition, Rule
from engine.runtime import seccomp_profile, seccomp_rules
from engine.runtime.seccomp_search import rearrange

X86_64, I386, AARCH64, UNKNOWN = 0xC000003E, 0x40000003, 0xC00000B7, 0x12345678
X32 = 0x40000000
NUMBERS = (*range(480), 1000, X32 - 1, X32, X32 + 1, X32 + 100, X32 + 520, 1 << 31, (1 << 32) - 1)
NOTHING = (0,) * 6
LOOKED_INTO = (16, 41, 56, 135, 54, 359, 120, 136, 102)  # ioctl, socket, clone, personality (x86_64, i386), socketcall

_INSTRUCTION = struct.Struct("=HBBI")


def answer(program: bytes, number: int, architecture: int, arguments: tuple[int, ...] = NOTHING) -> int:
    """What the kernel's machine for classic BPF returns (Documentation/networking/filter.rst)."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments)
    index = value = 0
    memory: dict[int, int] = {}
    while True:
        code, if_true, if_false, operand = _INSTRUCTION.unpack_from(program, index * _INSTRUCTION.size)
        index += 1
        if code == 0x06:
            return int(operand)
        if code in TESTS:
            index += if_true if TESTS[code](value, operand) else if_false
        elif code == 0x05:
            index += operand
        elif code == 0x02:
            memory[operand] = value
        else:
            value = _accumulated(code, operand, value, data, memory)


def _accumulated(code: int, operand: int, value: int, data: bytes, memory: dict[int, int]) -> int:
    if code == 0x20:
        return int(struct.unpack_from("=I", data, operand)[0])
    return {0x54: value & operand, 0x60: memory.get(operand, 0)}[code]


TESTS: dict[int, Callable[[int, int], bool]] = {
    0x15: operator.eq, 0x25: operator.gt, 0x35: operator.ge, 0x45: lambda value, bits: bool(value & bits)
}  # fmt: skip


def size(program: bytes) -> int:
    return len(program) // _INSTRUCTION.size


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs stay as libseccomp made them."""
    monkeypatch.setattr(seccomp_rules, "rearrange", lambda program: program)


@pytest.mark.parametrize("caps", [(), ("CAP_SYS_ADMIN",), ("CAP_SYS_PTRACE", "CAP_SYSLOG", "CAP_BPF")])
def test_the_default_filter_answers_every_call_as_before(original: None, caps: tuple[str, ...]) -> None:
    program = seccomp_rules.program_of(seccomp_profile.default(caps, "x86_64"), libseccomp.load())
    made = rearrange(program)
    assert size(made) < size(program) / 2
    tried = [NOTHING, (0x7E020000,) * 6, (38,) * 6, (40,) * 6, (0x5412,) * 6, (1 << 32 | 0x5412,) * 6, (8,) * 6]
    for architecture in (X86_64, I386, AARCH64, UNKNOWN):
        for number in NUMBERS:
            for arguments in tried if number in LOOKED_INTO else tried[:1]:
                before = answer(program, number, architecture, arguments)
                assert answer(made, number, architecture, arguments) == before, (number, hex(architecture), arguments)


ACTIONS = (libseccomp.ALLOW, libseccomp.ERRNO | 1, libseccomp.ERRNO | 38, libseccomp.KILL_PROCESS, libseccomp.TRAP)
words = st.one_of(st.integers(0, 3), st.sampled_from([1 << 31, (1 << 32) - 1, 1 << 32, (1 << 64) - 1]))
conditions = st.builds(Condition, st.integers(0, 2), st.integers(1, 7), words, words)
rules = st.builds(
    lambda action, number, found: Rule(action, str(number), number, tuple({c.argument: c for c in found}.values())),
    st.sampled_from(ACTIONS),
    st.integers(0, 60),
    st.lists(conditions, max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(
    default=st.sampled_from(ACTIONS),
    names=st.sampled_from([(), ("x86",), ("x86", "x32"), ("aarch64",)]),
    wanted=st.lists(rules, max_size=60),
    arguments=st.lists(st.tuples(*[words] * 6), min_size=1, max_size=4),
)
def test_so_does_any_other(
    default: int, names: tuple[str, ...], wanted: list[Rule], arguments: list[tuple[int, ...]]
) -> None:
    library = libseccomp.load()
    tokens = [token for name in names if (token := library.architecture(name)) is not None]
    kept: list[Rule] = []
    for rule in wanted:  # only those that libseccomp takes
        if rule.action == default or any(other.number == rule.number for other in kept):
            continue
        kept.append(rule)
    program = library.compile(default, tokens, kept)
    made = rearrange(program)
    assert size(made) <= size(program)
    for architecture in (X86_64, I386, AARCH64, UNKNOWN):
        for number in (*range(64), X32, X32 + 1, (1 << 32) - 1):
            for values in arguments:
                assert answer(made, number, architecture, values) == answer(program, number, architecture, values)


def test_a_program_of_another_form_stays_as_it_is() -> None:
    load, load_at_x, allow = (
        struct.pack("=HBBI", *i) for i in ((0x20, 0, 0, 0), (0x40, 0, 0, 0), (0x06, 0, 0, 0x7FFF0000))
    )
    set_bits = struct.pack("=HBBI", 0x45, 0, 0, 1)
    too_early = struct.pack("=HBBI", 0x15, 0, 0, 1)
    for program in (load_at_x + allow, load + set_bits + allow, too_early + allow):
        assert rearrange(program) == program


def test_long_searches_have_long_jumps() -> None:
    """A conditional jump skips 255 instructions at most."""
    rules_ = [Rule(ACTIONS[number % 5], str(number), number) for number in range(330) if number % 5 != 1]
    program = libseccomp.load().compile(libseccomp.ERRNO | 1, [I386], rules_)
    made = rearrange(program)
    assert size(made) > 510
    for architecture in (X86_64, I386):
        for number in NUMBERS:
            assert answer(made, number, architecture) == answer(program, number, architecture)
