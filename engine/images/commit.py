"""Committing: a container's own layer on top of its image's becomes a new image. Blocks; to be run in a thread."""

from __future__ import annotations

import gzip
from typing import Any, BinaryIO, Final, cast

import msgspec
from msgspec import Struct

from engine.images import config_changes
from engine.images.explorer import OwnLayer
from engine.images.install import Installed, PackedLayer, check_documents, finish, unpack_layer
from engine.images.layer_store import LayerStore
from engine.images.monitor import Monitor
from engine.images.pack import Packer, pack_layer
from engine.images.records import ImageRecord
from engine.oci.image_spec import (
    CONFIG,
    LAYER_GZIP,
    ConfigDocument,
    Descriptor,
    Manifest,
    Platform,
    decode,
    encode,
    format_time,
)
from engine.paths import Paths
from engine.store.blobs import Blobs, BlobWriter

_LEVEL: Final = 1  # gzip's: a third of the time for a tenth more bytes


class CommitRequest(Struct, frozen=True, kw_only=True):
    """What is said of a new image.

    Attributes:
        changes: to its config, in a Dockerfile's words.
        instruction: what made its layer, for its history.
    """

    created_unix_ns: int
    changes: tuple[str, ...] = ()
    author: str = ""
    message: str = ""
    instruction: str = ""


def commit(paths: Paths, image: ImageRecord, own: OwnLayer, request: CommitRequest, monitor: Monitor) -> Installed:
    """Pack a container's layer, and write config and manifest of an image that has it.

    Raises:
        InvalidRequest: a change that can't be understood.
        StoreError: the disk is full or fails.
    """
    blobs = Blobs(paths)
    old_manifest = decode(blobs.read(image.manifest_digest), Manifest, "the image's manifest")
    document = cast("dict[str, Any]", msgspec.json.decode(blobs.read(image.id)))
    document["config"] = config_changes.apply(document.get("config") or {}, request.changes)  # first: it may be wrong
    layer = _pack(paths, blobs, own, monitor)
    config = blobs.put(msgspec.json.encode(_described(document, layer, request)))
    manifest = Manifest(
        config=Descriptor(media_type=CONFIG, digest=config.digest, size=config.size),
        layers=(*old_manifest.layers, layer.descriptor),
    )
    written = blobs.put(encode(manifest))
    return _installed(paths, written.digest, manifest, blobs.read(config.digest), monitor)


def _pack(paths: Paths, blobs: Blobs, own: OwnLayer, monitor: Monitor) -> PackedLayer:
    with blobs.writer() as writer, _compressed(writer) as packed:
        pack_layer(Packer(packed, own.owners, monitor.step("Packing")), own.folder)
        packed.close()  # its last bytes belong to the blob
    blob = writer.blob
    with blobs.open(blob.digest) as archive:
        unpacked = LayerStore(paths).add(archive, None, monitor.step("Unpacking", blob.size))
    descriptor = Descriptor(media_type=LAYER_GZIP, digest=blob.digest, size=blob.size)
    return PackedLayer(descriptor=descriptor, diff_id=unpacked.diff_id)


def _compressed(writer: BlobWriter) -> BinaryIO:
    file = gzip.GzipFile(fileobj=cast("BinaryIO", writer), mode="wb", compresslevel=_LEVEL, mtime=0)
    return cast("BinaryIO", file)


def _described(document: dict[str, Any], layer: PackedLayer, request: CommitRequest) -> dict[str, Any]:
    created = format_time(request.created_unix_ns)
    words = {"created_by": request.instruction, "author": request.author, "comment": request.message}
    step = {"created": created, **{name: value for name, value in words.items() if value}}
    rootfs = document.get("rootfs") or {"type": "layers", "diff_ids": []}
    return {
        **document,
        "created": created,
        **({"author": request.author} if request.author else {}),
        "rootfs": {**rootfs, "diff_ids": [*rootfs["diff_ids"], layer.diff_id]},
        "history": [*(document.get("history") or []), step],
    }


def _installed(paths: Paths, digest: str, manifest: Manifest, config: bytes, monitor: Monitor) -> Installed:
    document = decode(config, ConfigDocument, "the image's config")
    made_for = Platform(os=document.os, architecture=document.architecture)
    diff_ids = check_documents(manifest, document, made_for)
    sizes = [unpack_layer(paths, *pair, monitor) for pair in zip(diff_ids, manifest.layers, strict=True)]
    return finish(digest, manifest, document, sum(sizes))
