"""Reading a file or folder, step by step, from a tree that may be rearranged meanwhile.

Everything is looked at before it is opened: links are never followed, devices, fifos and the kernel's own files are
never opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from engine.copying.sparse import copy_content
from engine.errors import Unsupported
from engine.images import acl
from engine.images.monitor import Advance
from engine.images.pack import kept_xattrs
from engine.images.stack import Owners
from engine.images.tar import Entry, Kind
from engine.linux.kernel_files import is_kernels
from engine.linux.paths import open_without_links, reopen

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What is said of names that had something else a moment ago."""

LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.SYMLINK, stat.S_IFIFO: Kind.FIFO,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE, stat.S_IFBLK: Kind.BLOCK_DEVICE,
}  # fmt: skip


class Step(NamedTuple):
    """A name in an open folder, and its path from the top of the tree on, which is empty for the top itself."""

    folder: int
    name: str
    path: str


class Content(Protocol):
    """What is in a file."""

    def write_to(self, target: int, advance: Advance) -> None:
        """Copy it into an empty file.

        Raises:
            OSError: one of them can't be read or written.
        """


class FileContent(Struct, frozen=True):
    """The content of an open file."""

    descriptor: int
    size: int

    def write_to(self, target: int, advance: Advance) -> None:
        """As `Content` says, with its holes."""
        copy_content(self.descriptor, target, self.size, advance)


class Item(Struct, frozen=True):
    """One thing to be made, and what it takes.

    Attributes:
        entry: its name is the path from the top on.
        content: of a file.
        twin: the path of an earlier file that it is a hard link to; empty for none. One that has content, too, may be
            made a file of its own where no link can be.
    """

    entry: Entry
    content: Content | None = None
    twin: str = ""


class Tree:
    """A file or folder with all that is in it; iterate for its steps, folders before what is in them.

    A step's folder is open until the next one is asked for.

    Args:
        folder: descriptor of the folder that it is in; stays the caller's.
        name: ``.`` for that folder itself.
        owners: from the ids on disk to those that entries have.

    Attributes:
        skipped: folders whose content is the kernel's, and was left out.
    """

    def __init__(self, folder: int, name: str, owners: Owners) -> None:
        self._folder = folder
        self._name = name
        self._owners = owners
        self._first: dict[tuple[int, int], str] = {}
        self.skipped: list[str] = []

    def __iter__(self) -> Iterator[Step]:
        yield Step(self._folder, self._name, "")
        try:
            top = os.open(self._name, FOLDER, dir_fd=self._folder)
        except OSError as error:
            if error.errno in GONE:  # no folder
                return
            raise
        try:
            yield from self._below(top)
        finally:
            os.close(top)

    def _below(self, top: int) -> Iterator[Step]:
        pending = [""]
        while pending:
            place = pending.pop()
            try:
                folder = open_without_links(top, place or ".", FOLDER)
            except OSError as error:
                if error.errno in GONE:
                    continue
                raise
            try:
                for name, is_folder in self._listed(folder, place):
                    path = f"{place}/{name}" if place else name
                    yield Step(folder, name, path)
                    if is_folder:
                        pending.append(path)
            finally:
                os.close(folder)

    def _listed(self, folder: int, place: str) -> list[tuple[str, bool]]:
        if is_kernels(folder):
            if not place:
                raise kernels(self._name)
            self.skipped.append(place)
            return []
        with os.scandir(folder) as listing:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)

    @contextmanager
    def opened(self, step: Step) -> Iterator[Item]:
        """What is at a step, as it is now.

        Raises:
            FileNotFoundError: nothing any more, or a socket, which is nothing without its process.
            Unsupported: it is a file of the kernel's.
            OSError: it can't be read.
        """
        found = os.open(step.name, LOOK, dir_fd=step.folder)
        try:
            status = os.fstat(found)
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                if stat.S_ISREG(status.st_mode) and is_kernels(found):
                    raise kernels(step.path)
                with _reopened(found) as descriptor:
                    yield self._with_content(step, status, descriptor)
            else:
                yield Item(self._entry(step, status, link=_link(found, status)))
        finally:
            os.close(found)

    def _with_content(self, step: Step, status: os.stat_result, descriptor: int) -> Item:
        entry = self._entry(step, status, (*kept_xattrs(descriptor), *acl.lists(descriptor, self._owners)))
        if entry.kind is Kind.DIRECTORY:
            return Item(entry)
        content = FileContent(descriptor, status.st_size)
        if status.st_nlink == 1:
            return Item(entry, content)
        first = self._first.setdefault((status.st_dev, status.st_ino), step.path)
        return Item(entry, content, first if first != step.path else "")

    def _entry(
        self, step: Step, status: os.stat_result, xattrs: tuple[tuple[str, bytes], ...] = (), link: str = ""
    ) -> Entry:
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:
            raise FileNotFoundError(errno.ENOENT, "sockets can't be copied", step.path)
        uid, gid = self._owners(status.st_uid, status.st_gid)
        return Entry(
            name=step.path,
            kind=kind,
            size=status.st_size if kind is Kind.FILE else 0,
            mode=stat.S_IMODE(status.st_mode),
            uid=uid,
            gid=gid,
            mtime_ns=status.st_mtime_ns,
            link=link,
            xattrs=xattrs,
        )


@contextmanager
def _reopened(found: int) -> Iterator[int]:
    descriptor = reopen(found, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _link(found: int, status: os.stat_result) -> str:
    return os.readlink("", dir_fd=found) if stat.S_ISLNK(status.st_mode) else ""


def kernels(path: str) -> Unsupported:
    """What to say of a file that is the kernel's own."""
    return Unsupported(
        f"{path!r} belongs to the kernel (procfs, sysfs, cgroups)", "read or write it with a command inside"
    )
