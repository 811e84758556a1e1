"""Unpacking a layer into a folder that overlayfs can use as a lower directory.

Archives are hostile until proven otherwise. Every path is resolved by the kernel with the target folder as root
(openat2(2), RESOLVE_IN_ROOT), the way the archive's links would be followed inside a container, so that none
leads out (CVE-2025-4517 is what happens when a path is checked first and used later); what is made is
made relative to the descriptor of its parent.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Final, Self

from msgspec import Struct

from engine.errors import ImageError, StoreError
from engine.images import acl, whiteouts
from engine.images.early_sync import EarlySync
from engine.images.limits import Limits
from engine.images.read_ahead import ReadAhead
from engine.images.removal import remove_at
from engine.images.tally import Tally
from engine.images.tar import Entry, Kind, TarReader
from engine.linux import trace
from engine.linux.paths import make_directories_in_root, open_in_root
from engine.oci.digest import DigestReader, Readable
from engine.store.blobs import write_all

CHUNK_BYTES: Final = 1 << 20
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN_MODE: Final = 0o777  # open(2) leaves the others out, or to the file system
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)

Advance = Callable[[int], None]


class Unpacked(Struct, frozen=True, kw_only=True):
    """What came of unpacking: the digest of the uncompressed archive and the bytes of all its files."""

    diff_id: str
    size_bytes: int


def unpack(
    stream: Readable, target: int, advance: Advance = lambda size: None, limits: Limits | None = None
) -> Unpacked:
    """Unpack an uncompressed layer and sync it to the disk.

    Args:
        stream: the archive, from its first byte.
        target: descriptor of an empty folder (O_RDONLY).
        advance: called with the bytes read since the last call, once an entry or more often; may raise to stop.
        limits: what the archive may hold; None for the defaults.

    Raises:
        ImageError: the archive is damaged, too much, or has an entry that can't be made.
        StoreError: the disk is full or fails.
    """
    begun, tally = trace.now(), Tally()
    try:
        return _unpacked(stream, target, advance, limits or Limits(), tally)
    finally:
        tally.note(begun, target)


def _unpacked(stream: Readable, target: int, advance: Advance, bounds: Limits, tally: Tally) -> Unpacked:
    hashed = DigestReader(stream)
    with (
        trace.paused(),  # a layer takes tens of thousands of calls, which are counted instead
        ReadAhead(hashed) as ahead,
        _Unpacker(target, reader := TarReader(ahead), advance, bounds, tally) as unpacker,
        EarlySync(target, lambda: reader.position) as sync,
    ):
        for entry in reader:
            unpacker.add(entry)
        reader.drain()
        unpacker.date_folders()
        tally.synced_from_ns = trace.now()
        _finish(sync)
    return Unpacked(diff_id=hashed.digest, size_bytes=unpacker.size)


def _finish(sync: EarlySync) -> None:
    try:
        sync.finish()
    except OSError as error:
        raise StoreError(f"the layer can't be written ({error.strerror})", "free some space in the root") from error


class _Unpacker:
    """The state of one unpacking: the folder that the latest entries went to, and folders to date at the end."""

    def __init__(self, root: int, reader: TarReader, advance: Advance, limits: Limits, tally: Tally) -> None:
        self._root = root
        self._reader = reader
        self._advance = advance
        self._limits = limits
        self._entries = 0
        self._reported = 0
        self._parent_name: str | None = None
        self._parent = -1
        self._folder_times: dict[str, int] = {}
        self._whited_out: set[str] = set()
        self.size = 0
        self._tally = tally

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget_parent()

    def add(self, entry: Entry) -> None:
        """Make what one entry describes."""
        self._entries += 1
        self._limits.require_few(self._entries)
        self._limits.require_small(self.size + entry.size)
        try:
            self._add(entry)
        except OSError as error:
            if error.errno in _DISK:
                raise StoreError(
                    f"the layer can't be written ({os.strerror(error.errno or 0)})", "free some space in the root"
                ) from error
            raise ImageError(
                f"the {entry.kind.value} {entry.name!r} of the archive can't be made ({error.strerror})",
                "make or fetch the archive anew",
            ) from error
        self._report()

    def date_folders(self) -> None:
        """Give folders their times, which changed while they were filled."""
        for name, time_ns in self._folder_times.items():
            try:
                descriptor = open_in_root(self._root, name or ".", _FOLDER)
            except OSError:
                continue  # a later entry took its place
            os.utime(descriptor, ns=(time_ns, time_ns))
            os.close(descriptor)

    def _report(self) -> None:
        self._advance(self._reader.position - self._reported)
        self._reported = self._reader.position

    def _add(self, entry: Entry) -> None:
        parent_name, base = split_name(entry.name)
        if not base:
            self._root_folder(entry)
            return
        self._limits.require_flat(entry.name, parent_name.count("/") + 2 if parent_name else 1)
        is_whiteout = base.startswith(whiteouts.PREFIX)
        try:
            parent = self._open_parent(parent_name)
        except NotADirectoryError:
            if is_whiteout:  # umoci hides what was in a folder also when a file has taken the folder's place
                return
            if not self._make_folder_of_whiteout(parent_name):
                raise
            parent = self._open_parent(parent_name)
        if is_whiteout:
            self._whiteout(parent, parent_name, base)
        else:
            self._place(parent, parent_name, base, entry)

    def _make_folder_of_whiteout(self, name: str) -> bool:
        """Make way to a folder where this layer has hidden one of the same name without naming its own; whether it did.

        docker and podman refuse such a layer, umoci and aufs don't.
        """
        parts = name.split("/")
        for number, base in enumerate(parts):
            place = "/".join(parts[:number])
            if f"{place}/{base}" in self._whited_out:
                self._whited_out.discard(f"{place}/{base}")
                parent = open_in_root(self._root, place or ".", os.O_PATH | os.O_DIRECTORY)
                try:
                    os.unlink(base, dir_fd=parent)
                    os.close(make_directories_in_root(self._root, f"{place}/{base}"))
                    self._make_opaque(parent, base)
                finally:
                    os.close(parent)
                return True
        return False

    def _root_folder(self, entry: Entry) -> None:
        if entry.kind is not Kind.DIRECTORY:
            raise ImageError(f"the archive makes its root a {entry.kind.value}", "make the archive anew")
        self._dress(self._root, entry)
        self._folder_times[""] = entry.mtime_ns

    def _open_parent(self, name: str) -> int:
        if name != self._parent_name:
            self._forget_parent()
            self._parent = make_directories_in_root(self._root, name)
            self._parent_name = name
            self._tally.lookups += 1
        return self._parent

    def _forget_parent(self) -> None:
        if self._parent >= 0:
            os.close(self._parent)
        self._parent, self._parent_name = -1, None

    def _whiteout(self, parent: int, parent_name: str, base: str) -> None:
        hidden = whiteouts.hidden_name(base)
        if hidden is whiteouts.Special.OPAQUE:
            self._make_opaque(parent, ".")
        elif isinstance(hidden, str):
            self._hide(parent, parent_name, hidden)

    def _hide(self, parent: int, parent_name: str, hidden: str) -> None:
        """Whiteouts speak of lower layers only (layer.md, "Whiteouts"): what this layer has stays."""
        try:
            os.mknod(hidden, whiteouts.MODE, whiteouts.DEVICE, dir_fd=parent)
            self._tally.whiteouts += 1
            self._whited_out.add(f"{parent_name}/{hidden}")
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(hidden, dir_fd=parent).st_mode):
                self._make_opaque(parent, hidden)

    def _make_opaque(self, parent: int, name: str) -> None:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
        try:
            whiteouts.make_opaque(descriptor)
            self._tally.opaque += 1
        finally:
            os.close(descriptor)

    def _place(self, parent: int, parent_name: str, base: str, entry: Entry) -> None:
        full = f"{parent_name}/{base}"
        try:
            self._make(parent, base, entry)
        except FileExistsError:
            self._replace(parent, base, entry)
        if full in self._whited_out:
            self._whited_out.discard(full)
            if entry.kind is Kind.DIRECTORY:
                self._make_opaque(parent, base)
        if entry.kind is Kind.DIRECTORY:
            self._folder_times[full] = entry.mtime_ns

    def _replace(self, parent: int, base: str, entry: Entry) -> None:
        """The last of several entries with one name wins; a folder keeps what it holds."""
        is_folder = stat.S_ISDIR(os.lstat(base, dir_fd=parent).st_mode)
        if is_folder and entry.kind is Kind.DIRECTORY:
            self._dress_folder(parent, base, entry)
            return
        if entry.kind is Kind.HARD_LINK and self._is_same_file(parent, base, entry):
            return
        remove_at(parent, base)
        self._make(parent, base, entry)

    def _make(self, parent: int, base: str, entry: Entry) -> None:
        self._tally.made[entry.kind] += 1
        if entry.kind is Kind.FILE:
            self._file(parent, base, entry)
        elif entry.kind is Kind.DIRECTORY:
            os.mkdir(base, 0o700, dir_fd=parent)
            self._dress_folder(parent, base, entry)
        elif entry.kind is Kind.HARD_LINK:
            self._hard_link(parent, base, entry)
        elif entry.kind is Kind.SYMLINK:
            os.symlink(entry.link, base, dir_fd=parent)
            self._dress_node(parent, base, entry)
        else:
            os.mknod(base, 0o600 | _NODE_TYPES[entry.kind], os.makedev(entry.major, entry.minor), dir_fd=parent)
            self._dress_node(parent, base, entry)

    def _file(self, parent: int, base: str, entry: Entry) -> None:
        descriptor = os.open(base, _CREATE, entry.mode & _PLAIN_MODE, dir_fd=parent)
        try:
            self._fill(descriptor, entry)
            self._dress(descriptor, entry)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)
        self.size += entry.size

    def _fill(self, descriptor: int, entry: Entry) -> None:
        if entry.extents is None:
            self._copy(descriptor, entry.size)
            return
        for offset, length in entry.extents:
            os.lseek(descriptor, offset, os.SEEK_SET)
            self._copy(descriptor, length)
        os.ftruncate(descriptor, entry.size)

    def _copy(self, descriptor: int, size: int) -> None:
        while size and (data := self._reader.read(min(CHUNK_BYTES, size))):
            write_all(descriptor, data)
            size -= len(data)
            self._report()

    def _hard_link(self, parent: int, base: str, entry: Entry) -> None:
        source_parent, source = self._open_link_target(entry)
        try:
            os.link(source, base, src_dir_fd=source_parent, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source_parent)

    def _is_same_file(self, parent: int, base: str, entry: Entry) -> bool:
        source_parent, source = self._open_link_target(entry)
        try:
            return os.path.samestat(os.lstat(source, dir_fd=source_parent), os.lstat(base, dir_fd=parent))
        finally:
            os.close(source_parent)

    def _open_link_target(self, entry: Entry) -> tuple[int, str]:
        name, source = split_name(entry.link)
        if not source:
            raise ImageError(f"the hard link {entry.name!r} of the archive points to the root", "make it anew")
        return open_in_root(self._root, name or ".", os.O_PATH | os.O_DIRECTORY), source

    def _dress_folder(self, parent: int, base: str, entry: Entry) -> None:
        descriptor = os.open(base, _FOLDER, dir_fd=parent)
        try:
            self._dress(descriptor, entry)
        finally:
            os.close(descriptor)

    def _dress(self, descriptor: int, entry: Entry) -> None:
        """Change what isn't right yet, the owner first: chown(2) takes set-user-id bits and file capabilities away."""
        there = os.fstat(descriptor)
        if (there.st_uid, there.st_gid) != (entry.uid, entry.gid):
            os.fchown(descriptor, entry.uid, entry.gid)
            os.fchmod(descriptor, entry.mode)
        elif stat.S_IMODE(there.st_mode) != entry.mode:
            os.fchmod(descriptor, entry.mode)
        for name, value in entry.xattrs:
            if is_kept_xattr(name) or name in acl.NAMES:
                _set_xattr(descriptor, name, value)

    def _dress_node(self, parent: int, base: str, entry: Entry) -> None:
        os.chown(base, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.kind is not Kind.SYMLINK:
            os.chmod(base, entry.mode, dir_fd=parent)  # made an instant ago as no link, in a folder of our own
        os.utime(base, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent, follow_symlinks=False)


_NODE_TYPES: Final = {
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
    Kind.FIFO: stat.S_IFIFO,
}


def split_name(name: str) -> tuple[str, str]:
    """A member's name as parent and last part, without leading ``/`` and ``./``; the root is two empty strings.

    Raises:
        ImageError: the name goes up with ``..``.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ImageError(f"the archive holds the name {name!r}, which leads out of it", "don't trust this archive")
    return "/".join(parts[:-1]), parts[-1] if parts else ""


def is_kept_xattr(name: str) -> bool:
    """File capabilities and what users set; never ``trusted.overlay.*`` or its user form, which steer overlayfs."""
    return name == "security.capability" or (name.startswith("user.") and not name.startswith("user.overlay."))


def _set_xattr(descriptor: int, name: str, value: bytes) -> None:
    try:
        os.setxattr(descriptor, name, value)
    except OSError as error:
        if error.errno != errno.ENOTSUP:  # tmpfs without user attributes: docker goes on without them, too
            raise
