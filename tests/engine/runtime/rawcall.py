"""System calls by number, past libc, with all 64 bits of their arguments; and as a program of 32 bits makes them."""

from __future__ import annotations

import ctypes
import mmap

from engine.linux import libseccomp

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def number(name: str) -> int:
    found = libseccomp.load().number(name)
    assert found is not None
    return found


def call(what: str | int, *arguments: int) -> int:
    """The result.

    Raises:
        OSError: with errno.
    """
    result = int(_libc.syscall(ctypes.c_long(what if isinstance(what, int) else number(what)), *map(_word, arguments)))
    if result < 0:
        raise OSError(ctypes.get_errno(), str(what))
    return result


def _word(value: int) -> ctypes.c_ulong:
    return ctypes.c_ulong(value & 0xFFFFFFFFFFFFFFFF)


def call_as_i386(number: int, first: int = 0, second: int = 0) -> int:
    """What an x86_64 kernel answers to ``int $0x80``: minus errno or the result."""
    # push rbx; mov eax, edi; mov ebx, esi; mov ecx, edx; mov edx, 0; int 0x80; pop rbx; ret
    code = bytes([0x53, 0x89, 0xF8, 0x89, 0xF3, 0x89, 0xD1, 0x31, 0xD2, 0xCD, 0x80, 0x5B, 0xC3])
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(address)
    return int(function(number, first, second))
