"""Bringing in images that others packed: OCI image layouts (image-layout.md), and what ``docker save`` writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.config.reading import registry_settings
from engine.errors import ImageError, InvalidRequest
from engine.images.archive_files import ArchiveFiles, opened
from engine.images.install import Installed, install, require_size, write_manifest
from engine.images.limits import too_much
from engine.images.monitor import Monitor
from engine.images.streams import compression, read_all
from engine.oci.digest import hexadecimal
from engine.oci.image_spec import (
    ANNOTATION_CONTAINERD_NAME,
    ANNOTATION_REF_NAME,
    INDEX_TYPES,
    LAYER_GZIP,
    LAYER_TAR,
    Descriptor,
    Index,
    Manifest,
    decode,
    go_architecture,
)
from engine.oci.reference import parse_reference
from engine.paths import Paths
from engine.store.blobs import Blobs

INDEX_FILE: Final = "index.json"
DOCKER_FILE: Final = "manifest.json"
_MAXIMUM_NESTING: Final = 4
_UNFIT: Final = re.compile(r"[^a-z0-9]+")
_ENDINGS: Final = (".gz", ".tgz", ".xz", ".txz", ".bz2", ".tar", ".oci")


class Loaded(Struct, frozen=True, kw_only=True):
    """An image that was brought in, and the names that its archive gives it, in familiar form."""

    installed: Installed
    names: tuple[str, ...]


class _Named(Struct, frozen=True):
    """A manifest of a layout that is for this machine, and the name it goes by; empty for none."""

    descriptor: Descriptor
    name: str


class _DockerImage(Struct, frozen=True, kw_only=True, rename="pascal"):
    """An entry of the manifest.json that docker save writes."""

    config: str
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()


def load_archive(paths: Paths, path: Path, monitor: Monitor) -> tuple[Loaded, ...]:
    """Bring in every image of a layout or archive that is for this machine.

    Args:
        path: a folder, or a tar that may be compressed.

    Raises:
        NotFound: there is no such file.
        ImageError: it holds no image, none for this machine, or damaged ones.
    """
    with opened(paths, path, monitor) as files:
        loader = _Loader(paths, files, monitor, name_from_file(path))
        if files.has(INDEX_FILE):
            return tuple(loader.layout())
        if files.has(DOCKER_FILE):
            return tuple(loader.docker())
    raise ImageError(
        f"what was given has neither {INDEX_FILE} nor {DOCKER_FILE}, so it is no image",
        "give an OCI layout; a root file system is brought in with boxdeck import",
    )


class _Loader:
    def __init__(self, paths: Paths, files: ArchiveFiles, monitor: Monitor, file_name: str) -> None:
        self._paths = paths
        self._blobs = Blobs(paths)
        self._files = files
        self._monitor = monitor
        self._file_name = file_name

    # OCI layouts

    def layout(self) -> Iterator[Loaded]:
        """The images of index.json."""
        index = decode(self._document(INDEX_FILE), Index, INDEX_FILE)
        found = [named for d in index.manifests for named in self._select(d, "", _MAXIMUM_NESTING)]
        if not found:
            raise ImageError(f"the layout has no image for {_machine()}", "get one that is made for this machine")
        for named in found:
            yield self._image(named)

    def _select(self, descriptor: Descriptor, name: str, nesting: int) -> Iterator[_Named]:
        """The manifests below a descriptor that are for this machine; an index counts as one image."""
        name = _annotated_name(descriptor) or name
        if not _fits(descriptor):
            return
        if descriptor.media_type not in INDEX_TYPES:
            yield _Named(descriptor, name)
        elif nesting:
            nested = decode(self._blob_document(descriptor.digest), Index, "an index of the layout")
            choices = [n for d in nested.manifests for n in self._select(d, name, nesting - 1)]
            yield from choices[:1]

    def _image(self, named: _Named) -> Loaded:
        manifest = decode(self._blob_document(named.descriptor.digest), Manifest, "a manifest of the layout")
        for number, layer in enumerate(manifest.layers, start=1):
            self._fetch(layer, f"Reading layer {number} of {len(manifest.layers)}")
        self._fetch(manifest.config, "Reading the image's config")
        self._fetch(named.descriptor, "Reading the manifest")
        installed = install(self._paths, named.descriptor.digest, self._monitor)
        return Loaded(installed=installed, names=(self._full_name(named.name),))

    def _fetch(self, descriptor: Descriptor, what: str) -> None:
        if not self._blobs.has(descriptor.digest):
            stream = self._files.open(_blob_name(descriptor.digest))
            self._blobs.add(stream, descriptor.digest, self._monitor.step(what, descriptor.size))
        require_size(descriptor, self._blobs.size(descriptor.digest))

    def _blob_document(self, digest: str) -> bytes:
        return self._document(_blob_name(digest))

    def _full_name(self, name: str) -> str:
        """A lone word is a tag, as skopeo and umoci write it; what it tags is named after the file."""
        full = name if "/" in name or ":" in name else f"{self._file_name}:{name}" if name else self._file_name
        try:
            return parse_reference(full).familiar
        except InvalidRequest as error:
            raise ImageError(f"the layout calls its image {name[:200]!r}, which is no name", "name it anew") from error

    # docker save

    def docker(self) -> Iterator[Loaded]:
        """The images of manifest.json."""
        for image in decode(self._document(DOCKER_FILE), tuple[_DockerImage, ...], DOCKER_FILE):
            yield self._docker_image(image)

    def _docker_image(self, image: _DockerImage) -> Loaded:
        config = self._blobs.put(self._document(image.config))
        layers = [self._docker_layer(name) for name in image.layers]
        manifest = write_manifest(self._blobs, config, layers)
        names = tuple(parse_reference(tag).familiar for tag in image.repo_tags or ())
        return Loaded(installed=install(self._paths, manifest, self._monitor), names=names or (self._full_name(""),))

    def _docker_layer(self, name: str) -> Descriptor:
        blob = self._blobs.add(self._files.open(name), advance=self._monitor.step("Reading a layer"))
        with self._blobs.open(blob.digest) as archive:
            media_type = LAYER_GZIP if compression(archive) == "gzip" else LAYER_TAR
        return Descriptor(media_type=media_type, digest=blob.digest, size=blob.size)

    def _document(self, name: str) -> bytes:
        most = registry_settings().limits.document_bytes
        data = read_all(self._files.open(name), most + 1)
        if len(data) > most:
            raise too_much(f"{name} is larger than {most} bytes", "document_bytes")
        return data


def name_from_file(path: Path) -> str:
    """A name for an image that has none, from its file's: ``My App.tar.gz`` gives ``my-app``."""
    name = path.resolve().name.lower()
    while name.endswith(_ENDINGS):
        name = name.rpartition(".")[0]
    return _UNFIT.sub("-", name).strip("-") or "image"


def _annotated_name(descriptor: Descriptor) -> str:
    return descriptor.annotation(ANNOTATION_CONTAINERD_NAME) or descriptor.annotation(ANNOTATION_REF_NAME)


def _fits(descriptor: Descriptor) -> bool:
    wanted = descriptor.platform
    return wanted is None or (wanted.os == "linux" and wanted.architecture in ("", go_architecture(os.uname().machine)))


def _machine() -> str:
    return f"linux/{go_architecture(os.uname().machine)}"


def _blob_name(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"
