"""bpf(2): small programs that the kernel checks and then runs; here those that decide on devices for a cgroup.

An instruction is a value (instruction-set.rst, "Instruction encoding"), so a program can be built, printed and
interpreted without a kernel.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import NamedTuple

from engine.linux import libc

PROG_TYPE_CGROUP_DEVICE = 15
CGROUP_DEVICE = 6  # the attach type, enum bpf_attach_type
F_ALLOW_MULTI = 1 << 1  # programs of cgroups above and below count too, and several may be attached
F_REPLACE = 1 << 2  # with F_ALLOW_MULTI, since Linux 5.6

# Operation codes that our programs use: class, source and operation in one byte.
LOAD_WORD = 0x61  # dst = *(u32 *)(src + offset)
MOVE_IMMEDIATE = 0xB4  # the 32-bit forms
MOVE = 0xBC
AND_IMMEDIATE = 0x54
SHIFT_RIGHT_IMMEDIATE = 0x74
JUMP_UNLESS_EQUAL = 0x56  # if (u32)dst != immediate goto offset
JUMP_IF_ANY = 0x46  # if ((u32)dst & immediate) != 0 goto offset
JUMP = 0x05
EXIT = 0x95

_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH = 5, 8, 9
_PROG_GET_FD_BY_ID, _OBJ_GET_INFO_BY_FD, _PROG_QUERY = 13, 15, 16
_INSTRUCTION = struct.Struct("=BBhi")
_LOAD = struct.Struct("=IIQQIIQII16sII")
_ATTACH = struct.Struct("=IIIII")
_QUERY = struct.Struct("=IIIIQII")
_INFO_BY_FD = struct.Struct("=IIQ")
_GET_BY_ID = struct.Struct("=III")
_MOST_ATTACHED = 64  # BPF_CGROUP_MAX_PROGS
_INFO_NAME = slice(64, 80)  # of struct bpf_prog_info


class Instruction(NamedTuple):
    """One instruction; registers are 0 (result) to 10, register 1 holds the context at the start."""

    code: int
    destination: int = 0
    source: int = 0
    offset: int = 0
    immediate: int = 0


def encode(program: Iterable[Instruction]) -> bytes:
    """A program as the kernel takes it, 8 bytes an instruction."""
    return b"".join(
        _INSTRUCTION.pack(code, destination | source << 4, offset, immediate)
        for code, destination, source, offset, immediate in program
    )


def load(kind: int, instructions: bytes, name: str) -> int:
    """Have a program checked and compiled.

    Args:
        kind: such as `PROG_TYPE_CGROUP_DEVICE`.
        instructions: from `encode`.
        name: at most 15 letters, shown by bpftool.

    Returns:
        A descriptor, closed on exec; the program lives as long as it or an attachment.

    Raises:
        OSError: EPERM without CAP_BPF and CAP_NET_ADMIN (CAP_SYS_ADMIN before Linux 5.8), EINVAL or EACCES for
            a program that the kernel rejects.
    """
    code = ctypes.create_string_buffer(instructions, len(instructions))
    licence = ctypes.create_string_buffer(b"")
    attributes = _LOAD.pack(
        kind,
        len(instructions) // _INSTRUCTION.size,
        ctypes.addressof(code),
        ctypes.addressof(licence),
        0,
        0,
        0,
        0,
        0,
        name.encode(),
        0,
        0,
    )
    return _bpf(_PROG_LOAD, attributes)


def attach(cgroup: int, program: int, kind: int, replaced: int | None = None) -> None:
    """Let a program decide for a cgroup (v2) and all below it, beside those attached already.

    Args:
        cgroup: a descriptor of its folder, not opened with O_PATH.
        replaced: a descriptor of an attached program whose place it takes in one step.

    Raises:
        OSError: EPERM; EBADF where `cgroup` is no cgroup v2.
    """
    flags = F_ALLOW_MULTI | (F_REPLACE if replaced is not None else 0)
    _bpf(_PROG_ATTACH, _ATTACH.pack(cgroup, program, kind, flags, replaced or 0))


def detach(cgroup: int, program: int, kind: int) -> None:
    """Take an attached program away.

    Raises:
        OSError: ENOENT when it isn't attached.
    """
    _bpf(_PROG_DETACH, _ATTACH.pack(cgroup, program, kind, 0, 0))


def attached(cgroup: int, kind: int) -> list[int]:
    """Descriptors of the programs attached to this cgroup itself; the caller closes them.

    Raises:
        OSError: EPERM.
    """
    numbers = (ctypes.c_uint32 * _MOST_ATTACHED)()
    query = ctypes.create_string_buffer(
        _QUERY.pack(cgroup, kind, 0, 0, ctypes.addressof(numbers), _MOST_ATTACHED, 0), _QUERY.size
    )
    _bpf(_PROG_QUERY, query)
    count = _QUERY.unpack(query.raw)[5]
    return [_bpf(_PROG_GET_FD_BY_ID, _GET_BY_ID.pack(number, 0, 0)) for number in numbers[:count]]


def name_of(program: int) -> str:
    """The name that a program was loaded with."""
    info = ctypes.create_string_buffer(_INFO_NAME.stop)
    _bpf(_OBJ_GET_INFO_BY_FD, _INFO_BY_FD.pack(program, len(info), ctypes.addressof(info)))
    return info.raw[_INFO_NAME].rstrip(b"\0").decode(errors="replace")


def _bpf(command: int, attributes: bytes | ctypes.Array[ctypes.c_char]) -> int:
    return libc.syscall("bpf", command, attributes, len(attributes))


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors, as those of `attached`."""
    for descriptor in descriptors:
        os.close(descriptor)
