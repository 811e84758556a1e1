"""``linux.seccomp`` of a ``config.json`` (config-linux.md, "Seccomp")."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from engine.errors import InvalidRequest

Action = Literal[
    "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
]  # fmt: skip
Operator = Literal[
    "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
]  # fmt: skip
Flag = Literal[
    "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
]  # fmt: skip


NO_TEXT = msgspec.Raw()


class SeccompArgument(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A comparison with one argument of a call; `value_two` is the value of a masked comparison."""

    index: int
    value: int
    op: Operator
    value_two: int = 0


class SeccompSyscall(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What is to happen at some calls, if all `args` hold."""

    names: tuple[str, ...]
    action: Action
    errno_ret: int | None = None
    args: tuple[SeccompArgument, ...] = ()


class Seccomp(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A filter of system calls."""

    default_action: Action
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[SeccompSyscall, ...] = field(default=())


def decode(text: msgspec.Raw) -> Seccomp | None:
    """Read a filter; None where there is no text, or null.

    Raises:
        InvalidRequest: it isn't valid; the sentence says where.
    """
    try:
        return _decoder.decode(text) if text else None
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"linux.seccomp is not valid ({error})", "correct it and try again") from error


def encode(wanted: Seccomp | None) -> msgspec.Raw:
    """A filter as text; empty for none."""
    return msgspec.Raw(msgspec.json.encode(wanted)) if wanted is not None else NO_TEXT


_decoder = msgspec.json.Decoder(Seccomp | None)
