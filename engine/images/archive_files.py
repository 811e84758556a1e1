"""The files of an image archive, wherever they are: in a folder, in a tar, in a compressed tar."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from msgspec import Struct

from engine.config.reading import registry_settings
from engine.errors import ImageError, NotFound
from engine.images.limits import BoundedReader
from engine.images.monitor import Monitor
from engine.images.streams import CHUNK_BYTES, compression, decompressed
from engine.images.tar import Kind, TarReader
from engine.linux.paths import open_beneath
from engine.oci.digest import Readable
from engine.paths import Paths

_MAXIMUM_LINKS: Final = 10
_MAXIMUM_ENTRIES: Final = 100_000
_REGULAR: Final = os.O_RDONLY | os.O_NONBLOCK  # a fifo in a folder must not keep us waiting


class ArchiveFiles(Protocol):
    """Files by their names in the archive, such as ``blobs/sha256/…``."""

    def has(self, name: str) -> bool:
        """Whether there is a regular file of that name."""
        ...

    def open(self, name: str) -> Readable:
        """The content of a file, good until the next one is opened.

        Raises:
            ImageError: there is no such file.
        """
        ...


@contextmanager
def opened(paths: Paths, path: Path, monitor: Monitor) -> Iterator[ArchiveFiles]:
    """Open a folder or tar that a person named; a compressed tar is copied to a plain temporary file first.

    Raises:
        NotFound: there is nothing of that name.
        ImageError: it can't be read, or is no tar.
    """
    with _opened(path) as file:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            yield _FolderFiles(file)
            return
        with os.fdopen(os.dup(file), "rb") as archive, _plain(paths, archive, monitor) as plain:
            yield _TarFiles(plain)


class _FolderFiles:
    """A folder that may have been unpacked from anywhere: no link in it leads out."""

    def __init__(self, folder: int) -> None:
        self._folder = folder

    def has(self, name: str) -> bool:
        try:
            self.open(name)
        except ImageError:
            return False
        return True

    def open(self, name: str) -> Readable:
        try:
            descriptor = open_beneath(self._folder, name, _REGULAR)
        except OSError as error:
            raise _missing(name, error.strerror or "") from error
        file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            raise _missing(name, "not a regular file")
        return file


class _Extent(Struct, frozen=True):
    """Where a file's content is in the tar, or the name of another file that stands for it."""

    offset: int = 0
    size: int = 0
    link: str = ""


class _TarFiles:
    """A tar that is read once for its contents and then at the places that are wanted."""

    def __init__(self, archive: BinaryIO) -> None:
        self._archive = archive
        self._extents: dict[str, _Extent] = {}
        reader = TarReader(archive)
        for entry in reader:
            name = _normal(entry.name)
            if entry.extents is not None:
                raise ImageError(f"the archive holds {name!r} as a sparse file", "make it without tar's --sparse")
            if entry.kind is Kind.FILE:
                self._extents[name] = _Extent(offset=reader.position, size=entry.size)
            elif entry.kind is Kind.HARD_LINK:
                self._extents[name] = _Extent(link=_normal(entry.link))
            elif entry.kind is Kind.SYMLINK:  # docker save used to write a layer that occurs twice like this
                self._extents[name] = _Extent(link=_normal(posixpath.join(posixpath.dirname(name), entry.link)))
            if len(self._extents) > _MAXIMUM_ENTRIES:
                raise ImageError(f"the archive holds more than {_MAXIMUM_ENTRIES} files", "give an OCI layout")

    def has(self, name: str) -> bool:
        return self._extent(name) is not None

    def open(self, name: str) -> Readable:
        extent = self._extent(name)
        if extent is None:
            raise _missing(name, "no such file")
        self._archive.seek(extent.offset)
        return _Slice(self._archive, extent.size)

    def _extent(self, name: str) -> _Extent | None:
        for _ in range(_MAXIMUM_LINKS):
            extent = self._extents.get(_normal(name))
            if extent is None or not extent.link:
                return extent
            name = extent.link
        return None


class _Slice:
    """The next so many bytes of a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


def _normal(name: str) -> str:
    return posixpath.normpath(name).lstrip("/")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", "check the name") from error
    except OSError as error:
        raise ImageError(f"{path} can't be read ({error.strerror})", "give a file or folder that can be") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _plain(paths: Paths, archive: BinaryIO, monitor: Monitor) -> Iterator[BinaryIO]:
    """The archive as it is, or a plain copy of a compressed one, since only that can be read at any place."""
    if not compression(archive):
        yield archive
        return
    paths.temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=paths.temporary) as copy:
        advance = monitor.step("Decompressing the archive")
        limits = registry_settings().limits
        stream = BoundedReader(decompressed(archive, limits), archive.tell, limits)
        while data := stream.read(CHUNK_BYTES):
            copy.write(data)
            advance(len(data))
        copy.seek(0)
        yield copy


def _missing(name: str, reason: str) -> ImageError:
    detail = "" if reason in ("", os.strerror(errno.ENOENT)) else f" ({reason})"
    return ImageError(f"the image archive lacks {name}{detail}", "save or fetch it anew")
