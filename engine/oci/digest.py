"""Digests: ``sha256:`` and 64 hexadecimal digits (OCI image spec, descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from engine.errors import ImageError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Readable(Protocol):
    """Anything that hands out bytes in order; an empty answer is the end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, which must be positive."""
        ...


def digest_of(data: bytes) -> str:
    """The digest of these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether the text is a digest in the one algorithm that we keep content by."""
    return _DIGEST.fullmatch(text) is not None


def checked_digest(text: str) -> str:
    """The same text, known to be a digest and so to be safe as a file name.

    Raises:
        ImageError: it is something else.
    """
    if not is_digest(text):
        raise ImageError(f"the image refers to {text[:80]!r}, which is no sha256 digest", "make the image anew")
    return text


def hexadecimal(digest: str) -> str:
    """The 64 digits of a digest."""
    return checked_digest(digest).partition(":")[2]


class DigestReader:
    """Reads a stream and hashes what passes by.

    Attributes:
        size: bytes read so far.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes of the stream."""
        data = self._stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> str:
        """The digest of all bytes read so far."""
        return f"sha256:{self._hash.hexdigest()}"
