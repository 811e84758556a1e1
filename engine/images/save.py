"""Saving: images as an OCI layout (image-layout.md), a folder or a tar, that ``docker load`` reads as well.

Blobs are written as they are, so that digests stay what they were.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

import msgspec
from msgspec import Struct

from engine.errors import StoreError
from engine.images.monitor import Advance, Monitor
from engine.images.records import ImageRecord
from engine.images.removal import remove_tree
from engine.oci.digest import Readable
from engine.oci.image_spec import (
    ANNOTATION_CONTAINERD_NAME,
    ANNOTATION_REF_NAME,
    MANIFEST,
    Descriptor,
    Index,
    Manifest,
    decode,
    encode,
)
from engine.oci.reference import parse_reference
from engine.paths import Paths
from engine.store.blobs import Blobs

_CHUNK_BYTES: Final = 1 << 20
_LAYOUT: Final = b'{"imageLayoutVersion": "1.0.0"}'


class Wanted(Struct, frozen=True):
    """An image, and under which of its names it is to be saved; none for one that was asked for by id."""

    image: ImageRecord
    names: tuple[str, ...]


class _DockerImage(Struct, frozen=True, kw_only=True, rename="pascal"):
    """An entry of manifest.json (docker image specification 1.2, "Combined Image JSON")."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


class Sink(Protocol):
    """Where the files of a layout go."""

    def add(self, name: str, size: int, content: Readable) -> None:
        """Write a file, such as ``blobs/sha256/…``."""
        ...


@contextmanager
def to_tar(file: BinaryIO) -> Iterator[Sink]:
    """Write a layout as a tar; the file need not be seekable, and stays open."""
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        yield _TarSink(archive)


@contextmanager
def to_folder(path: Path) -> Iterator[Sink]:
    """Write a layout as a folder, which is there only when all of it is.

    Raises:
        StoreError: it can't be made, or is there already and not empty.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        aside.mkdir()
        try:
            yield _FolderSink(aside)
            os.rename(aside, path)
        finally:
            remove_tree(aside)
    except OSError as error:
        raise StoreError(f"{path} can't be written ({error.strerror})", "choose another place") from error


class _TarSink:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, size: int, content: Readable) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o644
        self._archive.addfile(info, cast("BinaryIO", content))


class _FolderSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, size: int, content: Readable) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while data := content.read(_CHUNK_BYTES):
                file.write(data)


def save(paths: Paths, wanted: Sequence[Wanted], sink: Sink, monitor: Monitor) -> None:
    """Write images; what several of them have is there once.

    Raises:
        StoreError: a blob is missing.
        OSError: the sink can't be written.
    """
    blobs = Blobs(paths)
    manifests = {each.image.id: blobs.read(each.image.manifest_digest) for each in wanted}
    parsed = {key: decode(data, Manifest, "an image's manifest") for key, data in manifests.items()}
    _add(sink, "oci-layout", _LAYOUT)
    sizes = {each.digest: each.size for manifest in parsed.values() for each in (manifest.config, *manifest.layers)}
    sizes |= {each.image.manifest_digest: len(manifests[each.image.id]) for each in wanted}
    advance = monitor.step("Saving", sum(sizes.values()))
    for digest, size in sizes.items():
        with blobs.open(digest) as blob:
            sink.add(_path(digest), size, _Watched(blob, advance))
    _add(sink, "index.json", encode(Index(manifests=tuple(_descriptors(wanted, manifests, parsed)))))
    _add(sink, "manifest.json", msgspec.json.encode([_docker_image(each, parsed) for each in wanted]))


def _descriptors(
    wanted: Sequence[Wanted], manifests: dict[str, bytes], parsed: dict[str, Manifest]
) -> Iterable[Descriptor]:
    for each in wanted:
        plain = Descriptor(
            media_type=parsed[each.image.id].media_type or MANIFEST,
            digest=each.image.manifest_digest,
            size=len(manifests[each.image.id]),
        )
        for name in each.names:
            reference = parse_reference(name)
            names = {ANNOTATION_CONTAINERD_NAME: reference.canonical, ANNOTATION_REF_NAME: reference.tag or ""}
            yield Descriptor(media_type=plain.media_type, digest=plain.digest, size=plain.size, annotations=names)
        if not each.names:
            yield plain


def _docker_image(each: Wanted, parsed: dict[str, Manifest]) -> _DockerImage:
    manifest = parsed[each.image.id]
    return _DockerImage(
        config=_path(manifest.config.digest),
        repo_tags=each.names,
        layers=tuple(_path(layer.digest) for layer in manifest.layers),
    )


class _Watched:
    """A file whose reading is told of."""

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self._file = file
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(sink: Sink, name: str, data: bytes) -> None:
    sink.add(name, len(data), io.BytesIO(data))
