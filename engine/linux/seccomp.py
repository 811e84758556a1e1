"""seccomp(2): putting the calling process under a filter of system calls."""

from __future__ import annotations

import ctypes
import struct

from engine.linux import libc

FLAG_LOG = 1 << 1
FLAG_SPEC_ALLOW = 1 << 2
FLAG_NEW_LISTENER = 1 << 3
FLAG_WAIT_KILLABLE_RECV = 1 << 5  # since Linux 6.0

INSTRUCTION_SIZE = 8  # of struct sock_filter
MAXIMUM_SIZE = 4096 * INSTRUCTION_SIZE  # BPF_MAXINSNS

_SET_MODE_FILTER = 1
_PROGRAM = struct.Struct("@HP")  # struct sock_fprog


def set_filter(program: bytes, flags: int = 0) -> int:
    """Put this thread and what it will fork or execute under a filter, for ever.

    Args:
        program: an array of struct sock_filter.

    Returns:
        With `FLAG_NEW_LISTENER` the descriptor that gets notifications, which execve closes; otherwise 0.

    Raises:
        OSError: EACCES with neither CAP_SYS_ADMIN nor no_new_privs; EINVAL for a wrong program or an unknown flag.
    """
    # Not an array of that size, for which ctypes would make a type.
    address = ctypes.cast(ctypes.c_char_p(program), ctypes.c_void_p).value
    header = _PROGRAM.pack(len(program) // INSTRUCTION_SIZE, address)
    shown = (_SET_MODE_FILTER, flags, program)  # what the header points to
    return libc.syscall("seccomp", _SET_MODE_FILTER, flags, header, shown=shown)
