"""Pages that a fork has copied: which they are, and taking them in advance."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct

import pytest

from engine.linux import libc, memory
from tests.conftest import needs_root

_PAGE = mmap.PAGESIZE
_RANGE = struct.Struct("=QQ")
_MAPPINGS = 200  # each a line of /proc/PID/maps, which are far more than one read(2) gives

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)


def _scattered() -> list[tuple[mmap.mmap, int]]:
    """Pages with an address each that the kernel can't make one mapping of."""
    found = []
    for _ in range(_MAPPINGS):
        pages = mmap.mmap(-1, 2 * _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages[0] = 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + _PAGE), _PAGE, mmap.PROT_READ) == 0
        found.append((pages, address))
    return found


def _in_child(pages: list[tuple[mmap.mmap, int]], writes: bool, ranges: memory.Ranges = b"") -> set[int]:
    """The pages among these that a child has for its own, which takes copies of ranges first and then writes or not."""
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        memory.take_copies(ranges)
        for each, _ in pages if writes else ():
            each[0] = 2
        os.write(ready[1], b"!")
        os.close(done[1])
        os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    copied = memory.copied_pages(child, os.getpid())
    for descriptor in (*ready, *done):
        os.close(descriptor)
    os.waitpid(child, 0)
    own = {start + offset for start, length in _RANGE.iter_unpack(copied) for offset in range(0, length, _PAGE)}
    return own & {address for _, address in pages}


def test_every_page_is_found_that_a_fork_has_written_to_however_many_mappings_there_are() -> None:
    pages = _scattered()
    assert _in_child(pages, writes=True) == {address for _, address in pages}
    assert _in_child(pages, writes=False) == set()


def test_copies_taken_in_advance_are_the_forks_own() -> None:
    pages = _scattered()
    wanted = pages[: _MAPPINGS // 2]
    assert _in_child(pages, writes=False, ranges=_ranges(wanted)) == {address for _, address in wanted}


def test_what_is_not_mapped_any_more_is_passed_over() -> None:
    pages = _scattered()
    gone = mmap.mmap(-1, _PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(gone))
    assert ctypes.CDLL(None).munmap(ctypes.c_void_p(address), _PAGE) == 0
    nothing = _RANGE.pack(address, _PAGE)
    ranges = nothing + _ranges(pages[:3]) + nothing * 2 + _ranges(pages[3:5]) + nothing
    assert _in_child(pages, writes=False, ranges=ranges) == {address for _, address in pages[:5]}


def test_copies_are_taken_by_few_calls_or_one_by_one_where_the_kernel_is_older(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = _scattered()
    made: list[str] = []
    syscall, call = libc.syscall, libc.call
    monkeypatch.setattr(libc, "syscall", lambda name, *given: [made.append(name), syscall(name, *given)][1])
    memory.take_copies(_ranges(pages))
    assert len(made) == 1

    def refuse(name: str, *_: object) -> int:
        raise OSError(errno.EINVAL, name)

    monkeypatch.setattr(libc, "syscall", refuse)
    monkeypatch.setattr(libc, "call", lambda name, *given: [made.append(name), call(name, *given)][1])
    memory.take_copies(_ranges(pages))
    assert made[1:] == ["madvise"] * _MAPPINGS


def _ranges(pages: list[tuple[mmap.mmap, int]]) -> memory.Ranges:
    return b"".join(_RANGE.pack(address, _PAGE) for _, address in pages)
