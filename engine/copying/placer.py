"""Making files below a folder that somebody hostile may be rearranging meanwhile.

What is made is made under a name of its own, dressed by descriptor and then renamed: no one ever sees half a file, and
a link that has taken a name is replaced and not followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

from engine.copying.dress import Dress, put_on, put_on_node
from engine.copying.sparse import copy_content
from engine.copying.tree import Item, kernels
from engine.errors import Conflict
from engine.images.monitor import Advance
from engine.images.tar import Entry, Kind
from engine.linux.kernel_files import is_kernels
from engine.linux.paths import reopen

_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINK: Final = (errno.EXDEV, errno.EMLINK, errno.EPERM)

OpenFolder = Callable[[str], int]
"""Opens a folder (O_RDONLY) by its path below the target; empty for the target itself."""


class Placer:
    """Makes what it is given; to be used in a with statement.

    Args:
        open_folder: whose answer is this object's to close.
        prefix: what the top of what is copied becomes below the target; empty for the target itself, a folder that
            stays as it is.
        advance: called with the bytes done since the last call; may raise to stop.

    Attributes:
        entries, size_bytes: what has been made.
    """

    def __init__(self, open_folder: OpenFolder, prefix: str, dress: Dress, advance: Advance) -> None:
        self._open_folder = open_folder
        self._prefix = prefix
        self._dress = dress
        self._advance = advance
        self._parent_path: str | None = None
        self._parent = -1
        self._times: dict[str, int] = {}
        self.entries = 0
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget_parent()

    def add(self, item: Item) -> None:
        """Make one thing.

        Raises:
            Conflict: a folder is where a file is to be, or the other way round.
            InvalidRequest: the target hasn't got its owner's id.
            OSError: it can't be made.
        """
        self._advance(0)
        path = self._full(item.entry.name)
        if path:
            parent, _, name = path.rpartition("/")
            self._make(self._open_parent(parent), name, path, item)
        self.entries += 1

    def finish(self) -> None:
        """Date the folders, whose times changed while they were filled."""
        self._forget_parent()
        for path, time_ns in self._times.items():
            with suppress(OSError):  # something has taken its place
                descriptor = self._open_folder(path)
                os.utime(descriptor, ns=(time_ns, time_ns))
                os.close(descriptor)

    def _full(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix and path else self._prefix or path

    def _open_parent(self, path: str) -> int:
        if path != self._parent_path:
            self._forget_parent()
            self._parent = self._open_folder(path)
            self._parent_path = path
            if is_kernels(self._parent):
                raise kernels(path)
        return self._parent

    def _forget_parent(self) -> None:
        if self._parent >= 0:
            os.close(self._parent)
        self._parent, self._parent_path = -1, None

    def _make(self, parent: int, name: str, path: str, item: Item) -> None:
        entry = self._dress.fitted(item.entry)
        if entry.kind is Kind.DIRECTORY:
            self._folder(parent, name, path, entry)
            return
        _require_replaceable(parent, name)
        with _name_aside(parent) as aside:
            if item.twin and self._linked(aside, item):
                pass
            elif entry.kind is Kind.SYMLINK:
                os.symlink(entry.link, aside, dir_fd=parent)
                put_on_node(parent, aside, entry)
            elif entry.kind is Kind.FIFO:
                os.mkfifo(aside, 0o600, dir_fd=parent)
                put_on_node(parent, aside, entry)
            else:
                self._file(parent, aside, name, item, entry)
                return
            _replace(parent, aside, name)

    def _folder(self, parent: int, name: str, path: str, entry: Entry) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError as error:
            if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                return  # it keeps what it wears
            raise Conflict(
                f"{path!r} is a folder to be copied, and a file where it is to go", "remove one of them"
            ) from error
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
        try:
            put_on(descriptor, entry)
        finally:
            os.close(descriptor)
        self._times[path] = entry.mtime_ns

    def _file(self, parent: int, aside: str, name: str, item: Item, entry: Entry) -> None:
        descriptor = os.open(aside, _CREATE, 0o600, dir_fd=parent)
        try:
            if item.content is not None:
                item.content.write_to(descriptor, self._advance)
            put_on(descriptor, entry)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
            try:
                _replace(parent, aside, name)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                _overwrite(parent, name, descriptor, self._advance)
        finally:
            os.close(descriptor)
        self.size_bytes += entry.size

    def _linked(self, aside: str, item: Item) -> bool:
        """Make a hard link; False where none can be, but a file of its own."""
        above, _, twin = self._full(item.twin).rpartition("/")
        folder = self._open_folder(above)
        try:
            os.link(twin, aside, src_dir_fd=folder, dst_dir_fd=self._parent, follow_symlinks=False)
            return True
        except OSError as error:
            if error.errno not in _NO_LINK or item.content is None:
                raise
            return False
        finally:
            os.close(folder)


@contextmanager
def _name_aside(parent: int) -> Iterator[str]:
    """A name that nothing has, for what is half made; what still has it at the end is removed."""
    name = f".boxdeck-cp-{os.urandom(6).hex()}"
    try:
        yield name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=parent)


def _require_replaceable(parent: int, name: str) -> None:
    """Refuse to put a file in the place of a device, which programs need as it is."""
    with suppress(FileNotFoundError):
        mode = os.lstat(name, dir_fd=parent).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise Conflict(f"{name!r} is a device where it is to go", "copy to another path")


def _replace(parent: int, aside: str, name: str) -> None:
    try:
        os.rename(aside, name, src_dir_fd=parent, dst_dir_fd=parent)
    except IsADirectoryError as error:
        raise Conflict(
            f"{name!r} is a file to be copied, and a folder where it is to go", "remove one of them"
        ) from error


def _overwrite(parent: int, name: str, source: int, advance: Advance) -> None:
    """Write into a file that can't be replaced, since it is mounted there, such as /etc/hosts of a container.

    Raises:
        OSError: EBUSY for anything but a plain file.
    """
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), name)
        if is_kernels(found):
            raise kernels(name)
        target = reopen(found, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK)
    finally:
        os.close(found)
    try:
        copy_content(source, target, os.fstat(source).st_size, advance)
    finally:
        os.close(target)
