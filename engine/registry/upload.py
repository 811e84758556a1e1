"""Giving a registry what it lacks: blobs, in chunks or from another repository of its own, and manifests.

OCI distribution specification 1.1, "Push". Blocks; threads may share a registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode

import httpx

from engine.errors import RegistryError
from engine.oci.image_spec import Descriptor
from engine.registry.registry import Registry, pull_scope, push_scope

_CHUNK_BYTES: Final = 32 << 20  # what is sent again when a line is cut
_PIECE_BYTES: Final = 1 << 18
_DONE: Final = (201, 202)

Advance = Callable[[int], None]


def has_blob(registry: Registry, repository: str, digest: str) -> bool:
    """Whether a repository has a blob."""
    target = f"/v2/{repository}/blobs/{digest}"
    with registry.request("HEAD", target, push_scope(repository)) as response:
        return response.status_code == 200


def mount_blob(registry: Registry, repository: str, digest: str, other: str) -> bool:
    """Let a repository have a blob that another one of the same registry has, without sending it; whether it worked."""
    asked = urlencode({"mount": digest, "from": other})
    scope = f"{push_scope(repository)} {pull_scope(other)}"
    try:
        with registry.request("POST", f"/v2/{repository}/blobs/uploads/?{asked}", scope) as response:
            return response.status_code == 201  # with 202 it would rather have it sent; that upload is left to time out
    except RegistryError:  # the other one may be somebody else's; what is really wrong is met again when it is sent
        return False


def send_blob(registry: Registry, repository: str, descriptor: Descriptor, file: BinaryIO, advance: Advance) -> None:
    """Send a blob.

    Args:
        file: its content, from the first byte.
        advance: called with the bytes sent since the last call; may raise to stop.

    Raises:
        RegistryError: the registry can't be reached, or doesn't take it.
    """
    scope = push_scope(repository)
    with registry.request("POST", f"/v2/{repository}/blobs/uploads/", scope) as response:
        place = _place(registry, response, f"no place for a blob in {repository}")
    sent = 0
    while sent < descriptor.size:
        length = min(_CHUNK_BYTES, descriptor.size - sent)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(length),
            "Content-Range": f"{sent}-{sent + length - 1}",
        }
        body = _Chunk(file, sent, length, advance)
        with registry.request("PATCH", place, scope, headers, body) as response:
            place = _place(registry, response, "no chance to send a blob")
        sent += length
    joined = f"{place}{'&' if '?' in place else '?'}digest={quote(descriptor.digest, safe='')}"
    with registry.request("PUT", joined, scope, {"Content-Length": "0"}) as response:
        if response.status_code not in _DONE:
            raise registry.complaint(response, "a blob back")


def put_manifest(registry: Registry, repository: str, reference: str, data: bytes, media_type: str) -> None:
    """Make a manifest known under a tag or its digest.

    Raises:
        RegistryError: the registry can't be reached, or doesn't take it.
    """
    target = f"/v2/{repository}/manifests/{reference}"
    headers = {"Content-Type": media_type}
    with registry.request("PUT", target, push_scope(repository), headers, data) as response:
        if response.status_code not in _DONE:
            raise registry.complaint(response, "the manifest back")


class _Chunk:
    """A part of a file, which can be sent again from its beginning."""

    def __init__(self, file: BinaryIO, start: int, length: int, advance: Advance) -> None:
        self._file = file
        self._start = start
        self._length = length
        self._advance = advance
        self._told = 0

    def __call__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        self._advance(-self._told)
        self._told = 0
        left = self._length
        while left and (piece := self._file.read(min(_PIECE_BYTES, left))):
            yield piece
            left -= len(piece)
            self._told += len(piece)
            self._advance(len(piece))


def _place(registry: Registry, response: httpx.Response, what: str) -> str:
    """Where to send what comes next."""
    if response.status_code not in _DONE:
        raise registry.complaint(response, what)
    location = response.headers.get("location", "")
    if not location:
        raise RegistryError(f"{registry.host} doesn't say where to send a blob", "ask its operator")
    return registry.same_host(str(response.url.join(location)))
