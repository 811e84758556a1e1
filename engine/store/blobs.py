"""Content-addressed blobs: written aside, synced, renamed to ``blobs/sha256/HEX``; never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from engine.errors import ImageError, StoreError
from engine.linux import trace
from engine.oci.digest import Readable, checked_digest, hexadecimal
from engine.paths import Paths

CHUNK_BYTES = 1 << 20
MAXIMUM_DOCUMENT_BYTES = 64 << 20  # nothing in the store can be larger: what comes in is limited to as much or less

Advance = Callable[[int], None]


class Blob(Struct, frozen=True):
    """A blob in the store: its digest and size in bytes."""

    digest: str
    size: int


class BlobWriter:
    """A blob on its way in; see `Blobs.writer`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append bytes; returns how many, as files do."""
        self._hash.update(data)
        self.size += len(data)
        try:
            write_all(self._file.fileno(), data)
        except OSError as error:
            raise unwritable(error) from error
        return len(data)

    @property
    def blob(self) -> Blob:
        """Digest and size of what was written so far."""
        return Blob(f"sha256:{self._hash.hexdigest()}", self.size)


class Blobs:
    """The blobs below one root. Methods block on the disk: call them in a thread."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def path(self, digest: str) -> Path:
        """Where the blob with this digest is, or would be.

        Raises:
            ImageError: it is no sha256 digest.
        """
        return self._paths.blobs / "sha256" / hexadecimal(digest)

    def has(self, digest: str) -> bool:
        """Whether the blob is here."""
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        """Bytes of the blob; -1 where it isn't here."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return -1

    def open(self, digest: str) -> BinaryIO:
        """The blob as a file.

        Raises:
            StoreError: it isn't here.
        """
        try:
            return self.path(digest).open("rb")
        except OSError as error:
            raise StoreError(
                f"the blob {digest} can't be read ({error.strerror})", "remove the image and load it again"
            ) from error

    def read(self, digest: str) -> bytes:
        """A document (manifest or config) as bytes.

        Raises:
            StoreError: it isn't here.
            ImageError: it is larger than any document should be.
        """
        with self.open(digest) as file:
            data = file.read(MAXIMUM_DOCUMENT_BYTES + 1)
        if len(data) > MAXIMUM_DOCUMENT_BYTES:
            raise ImageError(f"the document {digest} is larger than {MAXIMUM_DOCUMENT_BYTES} bytes")
        return data

    def put(self, data: bytes) -> Blob:
        """Store bytes."""
        with self.writer() as writer:
            writer.write(data)
        return writer.blob

    def add(self, stream: Readable, expected: str | None = None, advance: Advance = lambda size: None) -> Blob:
        """Store a stream.

        Args:
            expected: the digest that it must have.
            advance: called with the size of every chunk; may raise to stop.

        Raises:
            ImageError: the content has another digest; nothing is stored.
        """
        with self.writer(expected) as writer:
            while chunk := stream.read(CHUNK_BYTES):
                writer.write(chunk)
                advance(len(chunk))
        return writer.blob

    @contextmanager
    def writer(self, expected: str | None = None) -> Iterator[BlobWriter]:
        """Write a blob piece by piece; it appears when the block ends, and only if the block doesn't raise.

        Raises:
            ImageError: the content hasn't the expected digest.
            StoreError: the disk is full or can't be written.
        """
        if expected is not None:
            checked_digest(expected)
        temporary = temporary_name(self._paths, "blob")
        try:
            file = temporary.open("xb", buffering=0)
        except OSError as error:
            raise unwritable(error) from error
        try:
            with file:
                writer = BlobWriter(file)
                yield writer
                _check(writer.blob, expected)
                self._commit(file, temporary, writer.blob)
        finally:
            temporary.unlink(missing_ok=True)

    def _commit(self, file: BinaryIO, temporary: Path, blob: Blob) -> None:
        try:
            trace.call(os.fsync, file.fileno(), path=str(temporary))
            target = self.path(blob.digest)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            trace.call(os.rename, str(temporary), str(target))
            sync_directory(target.parent)
        except OSError as error:
            raise unwritable(error) from error

    def digests(self) -> list[str]:
        """All blobs that are here."""
        folder = self._paths.blobs / "sha256"
        return [f"sha256:{name}" for name in os.listdir(folder)] if folder.is_dir() else []


def temporary_name(paths: Paths, kind: str) -> Path:
    """A name in the temporary folder, which is there afterwards, that nobody else has.

    Raises:
        StoreError: the folder can't be made.
    """
    try:
        paths.temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unwritable(error) from error
    return paths.temporary / f"{kind}-{os.urandom(8).hex()}"


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; write(2) alone may stop half way."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(folder: Path) -> None:
    """Make a rename in this folder last (fsync(2) on the directory)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        trace.call(os.fsync, descriptor, path=str(folder))
    finally:
        os.close(descriptor)


def _check(blob: Blob, expected: str | None) -> None:
    if expected is not None and blob.digest != expected:
        raise ImageError(
            f"content named {expected[:19]}… has the digest {blob.digest[:19]}…", "it is damaged, fetch it again"
        )


def unwritable(error: OSError) -> StoreError:
    """What to say when the disk is full or fails."""
    return StoreError(f"the store can't be written ({error.strerror})", "free some space or choose another --root")
