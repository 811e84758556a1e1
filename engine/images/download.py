"""A blob on its way from a registry: kept from one attempt to the next, checked, and then one of the store's.

What has arrived is in ``downloads/HEX``. Whoever holds its lock (flock(2), which dies with its holder) goes on where
it ends; another engine that wants the same blob waits, and finds it in the store.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from engine.errors import ImageError, RegistryError
from engine.images.arrival import Arrival
from engine.images.monitor import Advance
from engine.oci.digest import hexadecimal
from engine.oci.image_spec import Descriptor
from engine.paths import Paths
from engine.registry.pace import Pace, TooSlow
from engine.registry.registry import Registry
from engine.registry.transport import pause_seconds, unreachable
from engine.store.blobs import Blobs, sync_directory, unwritable, write_all

_CHUNK_BYTES: Final = 1 << 20
_TRIES: Final = 6  # without a single byte in between, or with too few
_LOCK_SECONDS: Final = 0.1

Pause = Callable[[float], None]


def download(
    paths: Paths,
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    advance: Advance,
    pause: Pause,
    arrival: Arrival | None = None,
) -> None:
    """Bring a blob into the store, unless it is there.

    Args:
        advance: called with the bytes that are done since the last call; may raise to stop. What was done in an
            earlier attempt counts.
        pause: sleeps between attempts; may raise to stop.
        arrival: for somebody who reads what has arrived so far; the caller ends it.

    Raises:
        ImageError: it isn't what its digest says; nothing is kept of it.
        RegistryError, NotFound: the registry doesn't give it.
        StoreError: the disk can't be written.
    """
    blobs = Blobs(paths)
    with _held(paths.download(hexadecimal(descriptor.digest)), pause) as (file, path):
        if blobs.has(descriptor.digest):
            path.unlink(missing_ok=True)
            if arrival is not None:
                offer(blobs, descriptor, arrival)
            return
        if arrival is not None:
            arrival.offer(file.fileno())
        part = _Part(file, descriptor.size, advance, arrival)
        try:
            _fill(part, registry, repository, descriptor, pause)
            _keep(file, path, blobs.path(descriptor.digest))
        except ImageError:
            path.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise unwritable(error) from error


def fetch(registry: Registry, repository: str, descriptor: Descriptor, advance: Advance, pause: Pause) -> bytes:
    """Bring a small blob into memory, and not into the store.

    Args:
        advance, pause: as for `download`.

    Raises:
        ImageError, RegistryError, NotFound: as there.
    """
    with os.fdopen(os.memfd_create("blob", os.MFD_CLOEXEC), "r+b", buffering=0) as file:
        _fill(_Part(file, descriptor.size, advance, None), registry, repository, descriptor, pause)
        file.seek(0)
        return file.read()


def offer(blobs: Blobs, descriptor: Descriptor, arrival: Arrival) -> None:
    """Let a blob that is in the store be read like one that arrives."""
    with blobs.open(descriptor.digest) as file:
        arrival.offer(file.fileno(), descriptor.size)


class _Part:
    """The bytes that are here, and their hash."""

    def __init__(self, file: BinaryIO, size: int, advance: Advance, arrival: Arrival | None) -> None:
        self._file = file
        self._whole = size
        self._advance = advance
        self._arrival = arrival
        self._hash = hashlib.sha256()
        self.size = 0

    def take_stock(self) -> None:
        """Hash what an earlier attempt has left."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK_BYTES):
            self._count(chunk)
        if self.size > self._whole:
            self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._file.seek(0)
        self._file.truncate()
        self._advance(-self.size)
        self._hash, self.size = hashlib.sha256(), 0
        if self._arrival is not None:
            self._arrival.grow(0)

    def add(self, chunk: bytes) -> None:
        """Append bytes."""
        if self.size + len(chunk) > self._whole:
            raise ImageError(f"a blob is larger than the {self._whole} bytes it should have", "it can't be right")
        write_all(self._file.fileno(), chunk)
        self._count(chunk)

    def _count(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size += len(chunk)
        if self._arrival is not None:
            self._arrival.grow(self.size)
        self._advance(len(chunk))

    @property
    def digest(self) -> str:
        """Of all of them."""
        return f"sha256:{self._hash.hexdigest()}"


def _fill(part: _Part, registry: Registry, repository: str, descriptor: Descriptor, pause: Pause) -> None:
    part.take_stock()
    tries = 0
    while part.size < descriptor.size:
        before, problem = part.size, None
        try:
            _read_on(part, registry, repository, descriptor.digest)
        except httpx.TransportError as error:  # cut on the way; what came before it stays
            problem = error
        tries = 0 if part.size > before and not isinstance(problem, TooSlow) else tries + 1
        if part.size < descriptor.size:
            if tries >= _TRIES:
                reason = _reason(registry.host, problem)
                raise RegistryError(f"a part of the image doesn't arrive: {reason}", "try again: it goes on from there")
            pause(pause_seconds(tries + 1))
    if part.digest != descriptor.digest:
        raise ImageError(
            f"what {registry.host} sends for {descriptor.digest[:19]}… has the digest {part.digest[:19]}…",
            "try again, or another registry",
        )


def _reason(host: str, problem: httpx.TransportError | None) -> str:
    if problem is None:
        return "it ends too early"
    if isinstance(problem, TooSlow):
        return f"the registry {host} is too slow, {problem}"
    return unreachable(host, problem).cause


def _read_on(part: _Part, registry: Registry, repository: str, digest: str) -> None:
    with registry.blob(repository, digest, part.size) as response:
        if part.size and not _continues(response, part.size):
            part.restart()
        pace = Pace()
        for chunk in response.iter_raw():
            part.add(chunk)
            pace.count(len(chunk))


def _continues(response: httpx.Response, start: int) -> bool:
    """Whether the answer begins where we are (RFC 9110, 14.4)."""
    return response.status_code == 206 and response.headers.get("content-range", "").startswith(f"bytes {start}-")


@contextmanager
def _held(path: Path, pause: Pause) -> Iterator[tuple[BinaryIO, Path]]:
    """The file of a download, locked: made if need be, and still the one of that name."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise unwritable(error) from error
        with file:
            while not _try_lock(file):
                pause(_LOCK_SECONDS)
            if _is_at(file, path):  # its last holder may have moved it into the store
                yield file, path
                return


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _keep(file: BinaryIO, path: Path, target: Path) -> None:
    os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.rename(path, target)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
    sync_directory(target.parent)
