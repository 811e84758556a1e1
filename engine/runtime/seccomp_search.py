"""A compiled filter rearranged: a binary search over the numbers of system calls instead of one comparison each.

When a filter is loaded, the kernel compiles it and then tries it on every number there is (seccomp.c,
`seccomp_cache_prepare`), in every start of a container: the shorter program saves a good part of that.

What libseccomp made stays the authority. It is followed with each architecture for all 2^32 numbers at once, as
intervals that split at comparisons, until it returns or looks at an argument; from there on it is copied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter
_LOAD, _RETURN, _JUMP = 0x20, 0x06, 0x05
_JUMP_EQUAL, _JUMP_GREATER, _JUMP_GREATER_OR_EQUAL, _JUMP_SET = 0x15, 0x25, 0x35, 0x45
_CONDITIONAL = (_JUMP_EQUAL, _JUMP_GREATER, _JUMP_GREATER_OR_EQUAL, _JUMP_SET)
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data

_LAST = 0xFFFFFFFF
_FARTHEST = 255  # what a conditional jump can skip


class _Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    operand: int


class _Outcome(NamedTuple):
    """What is to happen with some calls: to return `value`, or to go on at the instruction `value`."""

    returns: bool
    value: int


class _Range(NamedTuple):
    """Calls from the number `first` to the next range's have one outcome."""

    first: int
    outcome: _Outcome


class _NotUnderstood(Exception):
    """The program isn't of the form that libseccomp gives its programs."""


def rearrange(program: bytes) -> bytes:
    """A program with the same answers, or the same program when it isn't of a form that can be followed.

    Args:
        program: an array of struct sock_filter, as libseccomp makes it.
    """
    instructions = [_Instruction(*fields) for fields in _INSTRUCTION.iter_unpack(program)]
    try:
        made = _encode(_Assembly(instructions).assemble())
    except _NotUnderstood:
        return program
    return made if len(made) < len(program) else program


def _encode(instructions: list[_Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


class _Path:
    """One architecture's way through a program.

    Args:
        architecture: None for one that the program doesn't know.

    Attributes:
        compared: the architectures that the program asked about on the way.
    """

    def __init__(self, program: list[_Instruction], architecture: int | None) -> None:
        self._program = program
        self._architecture = architecture
        self.compared: list[int] = []

    def follow(self) -> list[_Range]:
        """What happens, for all numbers."""
        return _merged(self._follow(0, None, 0, _LAST))

    def _follow(self, index: int, loaded: int | None, first: int, last: int) -> list[_Range]:
        """From an instruction on, for an interval of numbers; `loaded` is the field in the accumulator."""
        apart: list[_Range] = []
        while True:
            instruction = self._program[index]
            outcome = _outcome(instruction, index)
            if outcome is not None:
                return _with(apart, [_Range(first, outcome)], last)
            code, if_true, if_false, operand = instruction
            index += 1
            if code == _LOAD:
                loaded = operand
            elif code == _JUMP:
                index += operand
            elif loaded == _ARCHITECTURE:
                index += if_true if self._is_for(instruction) else if_false
            elif code == _JUMP_EQUAL and loaded == _NUMBER and first < last:
                if first <= operand <= last:
                    apart += self._follow(index + if_true, loaded, operand, operand)
                index += if_false
            elif _holds(instruction, loaded, first) == _holds(instruction, loaded, last):
                index += if_true if _holds(instruction, loaded, first) else if_false
            else:
                above = operand + (code == _JUMP_GREATER)
                below = self._follow(index + if_false, loaded, first, above - 1)
                return _with(apart, below + self._follow(index + if_true, loaded, above, last), last)

    def _is_for(self, instruction: _Instruction) -> bool:
        if instruction.code != _JUMP_EQUAL:
            raise _NotUnderstood
        if self._architecture is None:
            self.compared.append(instruction.operand)
        return instruction.operand == self._architecture


def _outcome(instruction: _Instruction, index: int) -> _Outcome | None:
    """Where the search ends: at a value to return, or at a look at an argument."""
    if instruction.code == _RETURN:
        return _Outcome(True, instruction.operand)
    if instruction.code == _LOAD and instruction.operand not in (_NUMBER, _ARCHITECTURE):
        return _Outcome(False, index)
    return None


def _holds(instruction: _Instruction, loaded: int | None, number: int) -> bool:
    if loaded != _NUMBER:
        raise _NotUnderstood
    if instruction.code == _JUMP_EQUAL:
        return number == instruction.operand
    if instruction.code == _JUMP_GREATER:
        return number > instruction.operand
    if instruction.code == _JUMP_GREATER_OR_EQUAL:
        return number >= instruction.operand
    raise _NotUnderstood


def _with(apart: list[_Range], ranges: list[_Range], last: int) -> list[_Range]:
    """Ranges up to `last`, of which some single numbers have outcomes of their own."""
    starts = {found.first: found.outcome for found in ranges}
    for single in apart:
        starts.setdefault(single.first + 1, _at(ranges, single.first))
    starts.update({single.first: single.outcome for single in apart})
    return [_Range(first, starts[first]) for first in sorted(starts) if first <= last]


def _at(ranges: list[_Range], number: int) -> _Outcome:
    return next(found.outcome for found in reversed(ranges) if found.first <= number)


def _merged(ranges: list[_Range]) -> list[_Range]:
    merged = ranges[:1]
    for found in ranges[1:]:
        if found.outcome != merged[-1].outcome:
            merged.append(found)
    return merged


class _Assembly:
    """The new program, written from its end, so that jumps go to what has a place already.

    A place is counted from the end of the program.
    """

    def __init__(self, program: list[_Instruction]) -> None:
        self._program = program
        self._written: list[_Instruction] = []
        self._copied: dict[int, int] = {}

    def assemble(self) -> list[_Instruction]:
        """All of it."""
        stranger = _Path(self._program, None)
        otherwise = stranger.follow()
        if len(otherwise) > 1:
            raise _NotUnderstood
        searches = {number: _Path(self._program, number).follow() for number in reversed(stranger.compared)}
        self._copy([part.outcome.value for ranges in searches.values() for part in ranges if not part.outcome.returns])
        entry = self._write(_Instruction(_RETURN, 0, 0, otherwise[0].outcome.value))
        for architecture, ranges in searches.items():
            self._search(ranges, {})
            start = self._write(_Instruction(_LOAD, 0, 0, _NUMBER))
            entry = self._branch(_JUMP_EQUAL, architecture, start, entry)
        self._write(_Instruction(_LOAD, 0, 0, _ARCHITECTURE))
        return self._written[::-1]

    def _write(self, instruction: _Instruction) -> int:
        self._written.append(instruction)
        return len(self._written) - 1

    def _branch(self, code: int, operand: int, if_true: int, if_false: int) -> int:
        """A conditional jump to two places, each as near as it must be."""
        if_false = self._brought_near(if_false)
        if_true = self._brought_near(if_true)
        here = len(self._written) - 1
        return self._write(_Instruction(code, here - if_true, here - if_false, operand))

    def _brought_near(self, place: int) -> int:
        distance = len(self._written) - 1 - place
        return self._write(_Instruction(_JUMP, 0, 0, distance)) if distance >= _FARTHEST else place

    def _search(self, ranges: list[_Range], ends: dict[_Outcome, int]) -> int:
        """Decide between ranges; `ends` are the places where the outcomes of this search are."""
        if len(ranges) == 1:
            outcome = ranges[0].outcome
            if outcome not in ends:
                ends[outcome] = self._end(outcome)
            return ends[outcome]
        middle = len(ranges) // 2
        above = self._search(ranges[middle:], ends)
        below = self._search(ranges[:middle], ends)
        return self._branch(_JUMP_GREATER_OR_EQUAL, ranges[middle].first, above, below)

    def _end(self, outcome: _Outcome) -> int:
        if outcome.returns:
            return self._write(_Instruction(_RETURN, 0, 0, outcome.value))
        return self._write(_Instruction(_JUMP, 0, 0, len(self._written) - 1 - self._copied[outcome.value]))

    def _copy(self, starts: list[int]) -> None:
        """Everything of the old program that can be reached, in its old order: what is left out makes jumps shorter."""
        for index in sorted(self._reachable(starts), reverse=True):
            code, if_true, if_false, operand = self._program[index]
            here = len(self._written) - 1
            if code in _CONDITIONAL:
                if_true, if_false = (here - self._copied[index + 1 + skipped] for skipped in (if_true, if_false))
            elif code == _JUMP:
                operand = here - self._copied[index + 1 + operand]
            self._copied[index] = self._write(_Instruction(code, if_true, if_false, operand))

    def _reachable(self, indices: list[int]) -> set[int]:
        found: set[int] = set()
        while indices:
            index = indices.pop()
            if index not in found:
                found.add(index)
                indices.extend(self._successors(index))
        return found

    def _successors(self, index: int) -> Iterator[int]:
        code, if_true, if_false, operand = self._program[index]
        if code in _CONDITIONAL:
            yield index + 1 + if_true
            yield index + 1 + if_false
        elif code == _JUMP:
            yield index + 1 + operand
        elif code != _RETURN:
            yield index + 1
