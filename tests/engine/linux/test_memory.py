"""Pages that a fork has copied: which they are, and taking them in advance."""

from __future__ import annotations

import ctypes
import mmap
import os

import pytest

from engine.linux import memory
from tests.conftest import needs_root

_PAGE = mmap.PAGESIZE
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


def _in_child(pages: list[tuple[mmap.mmap, int]], writes: bool, ranges: memory.Ranges = ()) -> set[int]:
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
    own = {start + offset for start, length in copied for offset in range(0, length, _PAGE)}
    return own & {address for _, address in pages}


def test_every_page_is_found_that_a_fork_has_written_to_however_many_mappings_there_are() -> None:
    pages = _scattered()
    assert _in_child(pages, writes=True) == {address for _, address in pages}
    assert _in_child(pages, writes=False) == set()


def test_copies_taken_in_advance_are_the_forks_own() -> None:
    pages = _scattered()
    wanted = pages[: _MAPPINGS // 2]
    taken = _in_child(pages, writes=False, ranges=tuple((address, _PAGE) for _, address in wanted))
    assert taken == {address for _, address in wanted}
