"""Unpacked layers on disk: made aside, synced, renamed to ``layers/sha256/HEX``; never changed.

A layer stays as the version that unpacked it left it. Those of before 2026-11-29 lack ``user.overlay.opaque`` on opaque
folders: our own mounts don't read it. For an overlay that a user namespace mounts they have to be unpacked anew
(remove the image and get it again).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.reading import registry_settings
from engine.errors import ImageError
from engine.images.limits import BoundedReader
from engine.images.lock import sharing_content
from engine.images.monitor import Advance
from engine.images.removal import remove_tree
from engine.images.streams import Seekable, decompressed
from engine.images.unpack import Unpacked, unpack
from engine.linux import trace
from engine.oci.digest import checked_digest
from engine.paths import Paths
from engine.store.blobs import sync_directory, temporary_name, unwritable

if TYPE_CHECKING:
    from engine.images.unpacker import Unpacker


class LayerStore:
    """The unpacked layers below one root. Methods block on the disk: call them in a thread.

    Args:
        unpacker: where layers are unpacked; None for this process.
    """

    def __init__(self, paths: Paths, unpacker: Unpacker | None = None) -> None:
        self._paths = paths
        self._unpacker = unpacker

    def has(self, diff_id: str) -> bool:
        """Whether the layer is here, which means all of it."""
        return self._paths.layer(checked_digest(diff_id)).is_dir()

    def add(self, archive: Seekable, expected: str | None, advance: Advance) -> Unpacked:
        """Unpack an archive, compressed or not, and keep it under its diff id.

        Args:
            expected: the diff id that it must have; None where any will do.
            advance: called with the archive's bytes that are done since the last call; may raise to stop.

        Raises:
            ImageError: the archive is damaged, too much, or has another diff id; nothing is kept.
            StoreError: the disk is full or can't be written.
        """
        with self._workplace() as folder:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                unpacked = self._unpack(archive, descriptor, advance)
            finally:
                os.close(descriptor)
            if expected is not None and unpacked.diff_id != expected:
                raise ImageError(
                    f"a layer that should have the diff id {expected[:19]}… has {unpacked.diff_id[:19]}…",
                    "it is damaged, fetch it again",
                )
            self._keep(folder, unpacked.diff_id)
        return unpacked

    def _unpack(self, archive: Seekable, folder: int, advance: Advance) -> Unpacked:
        limits = registry_settings().limits
        if self._unpacker is not None:
            with sharing_content(self._paths) as lock:
                done = self._unpacker.unpack(archive, folder, lock, advance, limits)
            return Unpacked(diff_id=done.diff_id, size_bytes=done.size_bytes)
        stream = BoundedReader(decompressed(archive, limits), archive.tell, limits)
        return unpack(stream, folder, _counting(archive, advance), limits)

    def size(self, diff_id: str) -> int:
        """Bytes of all files of a layer, each counted once."""
        seen: set[int] = set()
        total = 0
        for _, _, names, descriptor in os.fwalk(self._paths.layer(diff_id)):
            for name in names:
                status = os.lstat(name, dir_fd=descriptor)
                if stat.S_ISREG(status.st_mode) and status.st_ino not in seen:
                    seen.add(status.st_ino)
                    total += status.st_size
        return total

    def diff_ids(self) -> list[str]:
        """All layers that are here."""
        folder = self._paths.layers / "sha256"
        return [f"sha256:{name}" for name in os.listdir(folder)] if folder.is_dir() else []

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        folder = temporary_name(self._paths, "layer")
        try:
            folder.mkdir()
            folder.chmod(0o755)  # whatever the umask
        except OSError as error:
            raise unwritable(error) from error
        try:
            yield folder
        finally:
            remove_tree(folder)

    def _keep(self, folder: Path, diff_id: str) -> None:
        target = self._paths.layer(diff_id)
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            trace.call(os.rename, str(folder), str(target))
            sync_directory(target.parent)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another engine was faster: the same content
                raise unwritable(error) from error


def _counting(archive: Seekable, advance: Advance) -> Advance:
    """From bytes that have been unpacked to those that they were read from."""
    before = 0

    def unpacked(_: int) -> None:
        nonlocal before
        now = archive.tell()
        advance(now - before)
        before = now

    return unpacked
