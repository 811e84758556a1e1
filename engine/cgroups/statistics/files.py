"""Kernel files that stay open and are read from their start again and again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_FIRST_BYTES = 4096  # one page holds all but the longest io.stat
NUMBER_BYTES = 64  # the size to read a file with that holds one number
LOOKS_TO_A_CONTROLLER = 16  # after so many it is looked whether one was turned on
_ABSENT = -1


class ControllerOff(Exception):
    """A controller was turned off while its files were open; the cgroup itself is still there."""


class KernelFile:
    """One file of a cgroup. What isn't there, or can't be read on this kernel, reads as nothing.

    Args:
        path: of the file.
        size: bytes to read at a time; it grows with the file.

    Raises:
        OSError: EMFILE, too many descriptors; EACCES.
    """

    __slots__ = ("_absent", "_descriptor", "_size")

    def __init__(self, path: str, size: int = _FIRST_BYTES) -> None:
        self._size = size
        self._absent = ""
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            self._descriptor, self._absent = _ABSENT, path

    def read(self) -> bytes:
        """All of it, by one system call; empty where there is no such file.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        if self._descriptor < 0:
            return b""
        try:
            text = os.pread(self._descriptor, self._size, 0)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise
            self.close()  # EOPNOTSUPP: a pressure file of a kernel that was started without them
            return b""
        return text if len(text) < self._size else self._read_more()

    def _read_more(self) -> bytes:
        self._size *= 2
        return self.read()

    @property
    def is_there(self) -> bool:
        """Whether the file exists and could be read so far."""
        return self._descriptor >= 0

    @property
    def has_come(self) -> bool:
        """Whether it is there now, but wasn't when it was opened: its controller was turned on since."""
        return bool(self._absent) and os.path.exists(self._absent)

    def close(self) -> None:
        """Close it; it reads as nothing then."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = _ABSENT


class SlowFile(KernelFile, Generic[Value]):
    """A file whose figures move slowly: it is read in turn with others, and its last value stands in between.

    Attributes:
        value: what `parse` made of it when it was read last; for a file that isn't there, of nothing.
    """

    __slots__ = ("_parse", "_text", "value")

    def __init__(self, path: str, parse: Callable[[bytes], Value]) -> None:
        super().__init__(path)
        self._parse = parse
        self._text = b""
        self.value = parse(b"")

    def refresh(self) -> bool:
        """Read it; the same text isn't parsed once more. Whether it says something else than before.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        text = self.read()
        if text == self._text:
            return False
        self._text, self.value = text, self._parse(text)
        return True


class OpenFiles:
    """All open files of one cgroup, and whose turn it is among the slow ones.

    Args:
        at_a_time: how many slow files are read in one look; all of them are in the first one.

    Attributes:
        are_all_fresh: whether the last refresh was the first one, which reads those for a cgroup at work, too.
    """

    def __init__(self, at_a_time: int) -> None:
        self.are_all_fresh = False
        self._at_a_time = at_a_time
        self._files: list[KernelFile] = []
        self._slow: list[SlowFile[Any]] = []
        self._at_work: list[SlowFile[Any]] = []
        self._turns: list[SlowFile[Any]] | None = None
        self._next = 0
        self._rested = 0

    def each_time(self, path: str, size: int = _FIRST_BYTES) -> KernelFile:
        """Open a file that is read in each look."""
        file = KernelFile(path, size)
        self._files.append(file)
        return file

    def in_turn(self, path: str, parse: Callable[[bytes], Value]) -> SlowFile[Value]:
        """Open a file that is read in some looks."""
        file = SlowFile(path, parse)
        self._files.append(file)
        self._slow.append(file)
        return file

    def at_work(self, path: str, parse: Callable[[bytes], Value]) -> SlowFile[Value]:
        """Open a file that its owner reads in each look at a cgroup that has run; it takes turns while that rests."""
        file = SlowFile(path, parse)
        self._files.append(file)
        self._at_work.append(file)
        return file

    @property
    def are_there(self) -> bool:
        """Whether any of them exists."""
        return any(file.is_there for file in self._files)

    @property
    def have_come(self) -> bool:
        """Whether any is there now that wasn't when it was opened."""
        return any(file.has_come for file in self._files)

    def refresh(self, has_run: bool) -> bool:
        """Read the slow files whose turn it is; those that don't exist don't take a turn.

        Args:
            has_run: since the last look. Of a cgroup that has rested for so long that everybody had a turn, one file
                is read at a time.

        Returns:
            Whether any of them says something else than before.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        self.are_all_fresh = self._turns is None
        if self._turns is None:
            turn = self._turns = [file for file in (*self._slow, *self._at_work) if file.is_there]
            self._slow = [file for file in self._slow if file.is_there]
        else:
            turn = self._turn(self._slow if has_run else self._turns, has_run)
        has_news = False
        for file in turn:
            has_news |= file.refresh()
        return has_news

    def _turn(self, among: list[SlowFile[Any]], has_run: bool) -> list[SlowFile[Any]]:
        self._rested = 0 if has_run else self._rested + 1
        at_a_time = 1 if self._rested > len(among) // self._at_a_time + 1 else self._at_a_time
        first = self._next if self._next < len(among) else 0
        self._next = first + at_a_time
        return among[first : self._next]

    def close(self) -> None:
        """Close them all; they read as nothing then."""
        for file in self._files:
            file.close()
