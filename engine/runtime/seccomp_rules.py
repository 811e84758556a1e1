"""The rules of ``linux.seccomp`` as a BPF program (config-linux.md, "Seccomp")."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator

from engine.errors import InvalidRequest, Unsupported
from engine.linux import libseccomp
from engine.linux.libseccomp import Condition, Library, Rule
from engine.oci.seccomp_spec import Action, Seccomp, SeccompArgument, SeccompSyscall
from engine.runtime.seccomp_search import rearrange

_EPERM, _ENOSYS, _LARGEST_ERRNO = 1, 38, 4095

_ACTIONS: dict[Action, int] = {
    "SCMP_ACT_KILL": libseccomp.KILL_THREAD,
    "SCMP_ACT_KILL_THREAD": libseccomp.KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": libseccomp.KILL_PROCESS,
    "SCMP_ACT_TRAP": libseccomp.TRAP,
    "SCMP_ACT_ERRNO": libseccomp.ERRNO,
    "SCMP_ACT_TRACE": libseccomp.TRACE,
    "SCMP_ACT_ALLOW": libseccomp.ALLOW,
    "SCMP_ACT_LOG": libseccomp.LOG,
    "SCMP_ACT_NOTIFY": libseccomp.NOTIFY,
}
_WITH_ERRNO = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_PERMISSIVE = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE")

_OPERATORS = {
    "SCMP_CMP_NE": libseccomp.NOT_EQUAL,
    "SCMP_CMP_LT": libseccomp.LESS,
    "SCMP_CMP_LE": libseccomp.LESS_OR_EQUAL,
    "SCMP_CMP_EQ": libseccomp.EQUAL,
    "SCMP_CMP_GE": libseccomp.GREATER_OR_EQUAL,
    "SCMP_CMP_GT": libseccomp.GREATER,
    "SCMP_CMP_MASKED_EQ": libseccomp.MASKED_EQUAL,
}

ARCHITECTURES = (
    "X86", "X86_64", "X32", "ARM", "AARCH64", "LOONGARCH64", "M68K", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
    "MIPSEL64", "MIPSEL64N32", "PARISC", "PARISC64", "PPC", "PPC64", "PPC64LE", "RISCV64", "S390", "S390X", "SH",
    "SHEB",
)  # fmt: skip
_X32 = 0x40000000  # set in the numbers of x32's calls, which share the architecture of x86_64


def load_library() -> Library:
    """The library.

    Raises:
        Unsupported: it isn't installed.
    """
    try:
        return libseccomp.load()
    except OSError as error:
        raise Unsupported(
            f"system calls can't be filtered without {libseccomp.FILE}",
            "install libseccomp2, or run with --security-opt seccomp=unconfined",
        ) from error


def program_of(wanted: Seccomp, library: Library) -> bytes:
    """An array of struct sock_filter.

    Raises:
        InvalidRequest: the rules can't be meant.
        Unsupported: libseccomp or the kernel lacks what they need.
    """
    default = _action(wanted.default_action, wanted.default_errno_ret)
    tokens = _tokens(wanted.architectures, library)
    try:
        program = library.compile(default, tokens, _rules(wanted, default, library))
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise Unsupported(
            f"libseccomp can't compile the filter{where} ({os.strerror(error.errno or 0).lower()})",
            "look for rules that contradict each other, and for what this kernel or libseccomp is too old for",
        ) from error
    return rearrange(_refusal_of_newer_calls(wanted, tokens, library) + program)


def _action(name: Action, errno: int | None) -> int:
    action = _ACTIONS[name]
    if name not in _WITH_ERRNO:
        if errno is not None:
            raise InvalidRequest(f"{name} returns no error number", "leave out errnoRet")
        return action
    if errno is not None and not 0 <= errno <= _LARGEST_ERRNO:
        raise InvalidRequest(f"seccomp can't return the error number {errno}", f"it is 0 to {_LARGEST_ERRNO}")
    return action | (_EPERM if errno is None else errno)


def _tokens(names: Iterable[str], library: Library) -> list[int]:
    tokens = [library.native_architecture()]
    for name in names:
        word = name.removeprefix("SCMP_ARCH_")
        if word == name or word not in ARCHITECTURES:
            raise InvalidRequest(
                f"seccomp knows no architecture {name!r}", "they are called SCMP_ARCH_X86_64 and so on"
            )
        token = library.architecture(word.lower())
        if token is not None and token not in tokens:  # one that libseccomp is too old for is killed, not let through
            tokens.append(token)
    return tokens


def _rules(wanted: Seccomp, default: int, library: Library) -> Iterator[Rule]:
    for call in wanted.syscalls:
        action = _action(call.action, call.errno_ret)
        if action == default:  # libseccomp refuses what changes nothing
            continue
        alternatives = _conditions(call)
        for name in call.names:
            number = library.number(name)
            if number is not None:  # one that libseccomp doesn't know gets the default, as with other runtimes
                for conditions in alternatives:
                    yield Rule(action, name, number, conditions)


def _conditions(call: SeccompSyscall) -> list[tuple[Condition, ...]]:
    """What must hold, as alternatives: comparisons of the same argument are such, as with other runtimes."""
    conditions = tuple(_condition(argument) for argument in call.args)
    if len({condition.argument for condition in conditions}) < len(conditions):
        return [(condition,) for condition in conditions]
    return [conditions]


def _condition(argument: SeccompArgument) -> Condition:
    if not 0 <= argument.index <= 5:
        raise InvalidRequest(f"no system call has an argument {argument.index}", "their indices are 0 to 5")
    if not (0 <= argument.value < 1 << 64 and 0 <= argument.value_two < 1 << 64):
        raise InvalidRequest("seccomp compares arguments with numbers of 64 bits", "correct value or valueTwo")
    return Condition(argument.index, _OPERATORS[argument.op], argument.value, argument.value_two)


def _refusal_of_newer_calls(wanted: Seccomp, tokens: Iterable[int], library: Library) -> bytes:
    """Instructions that answer ENOSYS for calls above all that the rules name.

    Whoever wrote an allow-list couldn't know them. C libraries try new calls first and fall back to old ones when
    they hear ENOSYS, but not when they hear EPERM.
    """
    default = (wanted.default_action, wanted.default_errno_ret)
    if wanted.default_action in _PERMISSIVE or default == ("SCMP_ACT_ERRNO", _ENOSYS):
        return b""
    names = {name for call in wanted.syscalls for name in call.names}
    sections = []
    for token in tokens:
        last = max((library.number_on(token, name) or 0 for name in names), default=0)
        if last and token != library.architecture("x32"):
            sections.append(_section(token, last))
    return _statement(_LOAD, _ARCHITECTURE_OFFSET) + b"".join(sections) if sections else b""


_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: code, jump if true, jump if false, operand
_LOAD, _RETURN = 0x20, 0x06
_JUMP_EQUAL, _JUMP_GREATER, _JUMP_GREATER_OR_EQUAL = 0x15, 0x25, 0x35
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data


def _section(architecture: int, last: int) -> bytes:
    """For one architecture, with it in the accumulator before and after."""
    return (
        _statement(_JUMP_EQUAL, architecture, 0, 5)
        + _statement(_LOAD, _NUMBER_OFFSET)
        + _statement(_JUMP_GREATER_OR_EQUAL, _X32, 2, 0)  # of x32, or -1, which a tracer sets to skip a call
        + _statement(_JUMP_GREATER, last, 0, 1)
        + _statement(_RETURN, libseccomp.ERRNO | _ENOSYS)
        + _statement(_LOAD, _ARCHITECTURE_OFFSET)
    )


def _statement(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, if_true, if_false, operand)
