"""Memory that forks share until somebody writes to it: where it was, and copying that in advance."""

from __future__ import annotations

import errno
import os
import struct
from array import array

from engine.linux import libc, trace

Ranges = bytes
"""Address and length of each, in bytes: an array of iovec(3type), which the kernel takes as it is.

As objects of Python's they would take a page each of whoever walks through them, for their reference counts.
"""

_MADV_POPULATE_WRITE = 23
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ONE = struct.Struct("=QQ")  # struct iovec
_MOST = 1024  # UIO_MAXIOV
_FRAME = (1 << 55) - 1 | 1 << 63  # the number of the page frame, and whether there is one (pagemap.rst)
_IS_FILE = 1 << 61


Frames = dict[int, "array[int]"]
"""Entries of pagemap(5) page by page, for each private mapping that can be written to, by its first page."""


def copied_pages(pid: int | str, ancestor: int) -> Ranges:
    """Where a process has pages other than the process that it was forked from: one of both has written to those.

    Raises:
        OSError: one of both has ended, or may not be looked at.
    """
    return copied_since(pid, frames(ancestor))


def copied_since(pid: int | str, before: Frames) -> Ranges:
    """Where a process has pages other than those that it was forked with: it has written to those.

    Without CAP_SYS_ADMIN the kernel shows nobody where pages are, and none are found.

    Args:
        before: the frames of its parent right before the fork.

    Raises:
        OSError: it has ended, or may not be looked at.
    """
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = [each for first, entries in before.items() for each in _differences(pagemap, first, entries)]
    finally:
        os.close(pagemap)
    return b"".join(_ONE.pack(*each) for each in found)


def frames(pid: int | str) -> Frames:
    """Where the pages of a process are now.

    Raises:
        OSError: it has ended, or may not be looked at.
    """
    with open(f"/proc/{pid}/maps", "rb") as file:  # to its end: one read(2) gives a page of it, whatever is asked for
        lines = file.read().splitlines()
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        ranges = [_pages_of(line) for line in lines if b" rw-p " in line]
        return {first: _entries(pagemap, first, last) for first, last in ranges}
    finally:
        os.close(pagemap)


def _pages_of(line: bytes) -> tuple[int, int]:
    """The first page of a mapping, and the first after it."""
    first, last = (int(text, 16) // _PAGE for text in line.split(None, 1)[0].split(b"-"))
    return first, last


def _differences(pagemap: int, first: int, others: array[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    pairs = zip(_entries(pagemap, first, first + len(others)), others, strict=True)
    for number, (entry, other) in enumerate(pairs, first):
        if entry & _FRAME == other & _FRAME or entry & _IS_FILE:
            continue
        if found and sum(found[-1]) == number * _PAGE:
            found[-1] = (found[-1][0], found[-1][1] + _PAGE)
        else:
            found.append((number * _PAGE, _PAGE))
    return found


def _entries(pagemap: int, first: int, last: int) -> array[int]:
    entries = array("Q", os.pread(pagemap, (last - first) * 8, first * 8))
    entries.extend([0] * (last - first - len(entries)))
    return entries


def take_copies(ranges: Ranges) -> None:
    """Copy pages that a fork has left shared, at once and now; later the first write to each would cost a fault.

    What isn't mapped is passed over. Before Linux 5.14 nothing happens (madvise(2), MADV_POPULATE_WRITE).
    """
    if trace.calls.get() is None:  # nobody wants to know, and what notes it takes pages, too
        return _take_together(ranges)
    begun = trace.now()
    with trace.paused():
        _take_together(ranges)
    trace.note_many(begun, "madvise", len(ranges) // _ONE.size, "MADV_POPULATE_WRITE")
    return None


def _take_together(ranges: Ranges) -> None:
    """By as few calls as possible: a process may advise itself of anything since Linux 6.13 (process_madvise(2))."""
    own = os.pidfd_open(os.getpid())
    try:
        while ranges:
            some = ranges[: _MOST * _ONE.size]
            try:
                taken = libc.syscall("process_madvise", own, some, len(some) // _ONE.size, _MADV_POPULATE_WRITE, 0)
            except OSError as error:
                if error.errno not in (errno.ENOMEM, errno.EFAULT):
                    return _take_singly(ranges)
                taken = 0
            ranges = ranges[_end_of(some, taken) :]
    finally:
        os.close(own)


def _end_of(ranges: Ranges, taken: int) -> int:
    """Where in `ranges` those end of which so many bytes have been taken, with the one that couldn't be."""
    at = 0
    while at < len(ranges) and taken > 0:
        taken -= _ONE.unpack_from(ranges, at)[1]
        at += _ONE.size
    return min(at + _ONE.size, len(ranges)) if at < len(ranges) else at


def _take_singly(ranges: Ranges) -> None:
    for start, length in _ONE.iter_unpack(ranges):
        try:
            libc.call("madvise", start, length, _MADV_POPULATE_WRITE)
        except OSError:
            continue
