"""Packing: an upper directory as a layer's tar, the way back from `engine.images.unpack`.

Overlayfs's whiteouts and opaque folders become those of archives (layer.md, "Whiteouts"), ids what they are inside the
container, and what is a container's socket is left out. Nothing is followed: every step is by descriptor, since a
container that runs may rearrange its files meanwhile.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from engine.images import acl, whiteouts
from engine.images.monitor import Advance
from engine.images.stack import Owners
from engine.images.unpack import is_kept_xattr
from engine.linux.paths import open_regular

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_XATTR: Final = "SCHILY.xattr."
_CAPABILITY: Final = "security.capability"
_REVISION_2: Final = 0x02000000  # linux/capability.h; the third has the namespace's root at its end
_REVISION_3: Final = 0x03000000
_REVISION_MASK: Final = 0xFF000000


class Packer:
    """Writes one archive; to be closed.

    Args:
        file: need not be seekable.
        owners: from the ids on disk to those in the container.
        advance: called with the bytes of files done since the last call; may raise to stop.
    """

    def __init__(self, file: BinaryIO, owners: Owners, advance: Advance) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # see `close`
        self.owners = owners
        self._advance = advance
        self._names: dict[tuple[int, int], str] = {}

    def close(self) -> None:
        """Write the end of the archive."""
        self._archive.close()

    def add(self, folder: int, name: str, full_name: str) -> None:
        """Write a file, or a folder without what is in it; a socket isn't anything that could be.

        Args:
            folder: descriptor of the folder that it is in.
            full_name: what it is called in the archive.

        Raises:
            FileNotFoundError: it has gone.
        """
        status = os.lstat(name, dir_fd=folder)
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(folder, name, full_name)
        elif stat.S_ISREG(status.st_mode):
            self._add_file(folder, name, full_name)
        elif not stat.S_ISSOCK(status.st_mode):
            info = self._header(full_name, status)
            info.type = _special(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                info.linkname = os.readlink(name, dir_fd=folder)
            self._archive.addfile(info)

    def add_empty(self, full_name: str) -> None:
        """Write an empty file of root's, such as a whiteout."""
        self._archive.addfile(tarfile.TarInfo(full_name))

    def _add_folder(self, folder: int, name: str, full_name: str) -> None:
        descriptor = os.open(name, FOLDER, dir_fd=folder)
        try:
            info = self._header(full_name, os.fstat(descriptor))
            info.type = tarfile.DIRTYPE
            info.pax_headers = _xattrs(descriptor, self.owners)
            self._archive.addfile(info)
        finally:
            os.close(descriptor)

    def _add_file(self, folder: int, name: str, full_name: str) -> None:
        descriptor = open_regular(folder, name)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            info = self._header(full_name, status)
            if status.st_nlink > 1 and (earlier := self._first_name(status, full_name)) != full_name:
                info.type, info.linkname = tarfile.LNKTYPE, earlier
                self._archive.addfile(info)
                return
            info.size = status.st_size
            info.pax_headers = _xattrs(descriptor, self.owners)
            self._archive.addfile(info, _Exactly(file, status.st_size, self._advance))

    def _first_name(self, status: os.stat_result, full_name: str) -> str:
        return self._names.setdefault((status.st_dev, status.st_ino), full_name)

    def _header(self, name: str, status: os.stat_result) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.mode = stat.S_IMODE(status.st_mode)
        info.uid, info.gid = self.owners(status.st_uid, status.st_gid)
        info.mtime = int(status.st_mtime)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        return info


def pack_layer(packer: Packer, folder: str) -> None:
    """Write everything below an upper directory as a layer, and the end of the archive. Blocks on the disk.

    Raises:
        OSError: the disk fails.
    """
    descriptor = os.open(folder, FOLDER)
    try:
        _pack(packer, descriptor, "")
    finally:
        os.close(descriptor)
    packer.close()


def _pack(packer: Packer, folder: int, place: str) -> None:
    if whiteouts.is_opaque(folder):
        packer.add_empty(place + whiteouts.OPAQUE_NAME)
    with os.scandir(folder) as listing:
        names = sorted(entry.name for entry in listing)
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):  # taken away just now
            _pack_one(packer, folder, name, place)


def _pack_one(packer: Packer, folder: int, name: str, place: str) -> None:
    status = os.lstat(name, dir_fd=folder)
    if whiteouts.is_whiteout(status):
        packer.add_empty(f"{place}{whiteouts.PREFIX}{name}")
        return
    packer.add(folder, name, place + name)
    if stat.S_ISDIR(status.st_mode):
        descriptor = os.open(name, FOLDER, dir_fd=folder)
        try:
            _pack(packer, descriptor, f"{place}{name}/")
        finally:
            os.close(descriptor)


def _xattrs(descriptor: int, owners: Owners) -> dict[str, str]:
    found = (*kept_xattrs(descriptor), *acl.lists(descriptor, owners))
    return {f"{_XATTR}{name}": value.decode("utf-8", "surrogateescape") for name, value in found}


def kept_xattrs(descriptor: int) -> Iterator[tuple[str, bytes]]:
    """The extended attributes of an open file that leave this machine with it."""
    try:
        names = os.listxattr(descriptor)
    except OSError as error:
        if error.errno != errno.ENOTSUP:  # this file system has none
            raise
        return
    for name in names:
        if is_kept_xattr(name):
            value = os.getxattr(descriptor, name)
            yield name, plain_capability(value) if name == _CAPABILITY else value


class _Exactly:
    """So many bytes of a file, whatever becomes of it meanwhile: what is missing is zero."""

    def __init__(self, file: io.FileIO, size: int, advance: Advance) -> None:
        self._file = file
        self._left = size
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = b""
        while len(data) < wanted and (more := self._file.read(wanted - len(data))):
            data += more
        data = data.ljust(wanted, b"\0")
        self._left -= wanted
        self._advance(len(data))
        return data


def plain_capability(value: bytes) -> bytes:
    """File capabilities as they are outside of user namespaces, without the id of a root that only this machine knows.

    capabilities(7), "File capability extended attribute versioning".
    """
    (magic,) = struct.unpack_from("<I", value)
    if magic & _REVISION_MASK != _REVISION_3:
        return value
    return struct.pack("<I", magic & ~_REVISION_MASK | _REVISION_2) + value[4:20]


def _special(mode: int) -> bytes:
    kinds = {
        stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE,
        stat.S_IFIFO: tarfile.FIFOTYPE,
    }  # fmt: skip
    return kinds[stat.S_IFMT(mode)]
