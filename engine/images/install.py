"""From blobs to an image that can run: its documents checked, its layers unpacked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.errors import ImageError
from engine.images import config_changes, platforms
from engine.images.layer_store import LayerStore
from engine.images.monitor import Monitor
from engine.oci.digest import checked_digest
from engine.oci.image_spec import (
    CONFIG,
    ConfigDocument,
    Descriptor,
    Manifest,
    Platform,
    RootFs,
    decode,
    encode,
    go_architecture,
    parse_time,
)
from engine.paths import Paths
from engine.store.blobs import Blob, Blobs

_MOST_LAYERS: Final = 500  # overlayfs itself ends there


class Installed(Struct, frozen=True, kw_only=True):
    """An image whose content is on disk; rows make it known. Fields as in `engine.model.Image`."""

    id: str
    manifest_digest: str
    layers: tuple[str, ...]
    created_unix_ns: int
    size_bytes: int


class PackedLayer(Struct, frozen=True, kw_only=True):
    """A layer as a blob (its descriptor) and the diff id that it unpacks to."""

    descriptor: Descriptor
    diff_id: str


def install(paths: Paths, manifest_digest: str, monitor: Monitor) -> Installed:
    """Unpack the layers of an image whose blobs are all in the store.

    Raises:
        ImageError: the documents or layers are damaged, or made for another kind of machine.
        StoreError: a blob is missing, or the disk can't be written.
    """
    blobs = Blobs(paths)
    manifest = decode(blobs.read(manifest_digest), Manifest, "the image's manifest")
    document = decode(blobs.read(manifest.config.digest), ConfigDocument, "the image's config")
    diff_ids = check_documents(manifest, document, platforms.here())
    size = 0
    for number, (diff_id, descriptor) in enumerate(zip(diff_ids, manifest.layers, strict=True), start=1):
        what = f"Unpacking layer {number} of {len(diff_ids)}"
        size += unpack_layer(paths, diff_id, descriptor, monitor, what=what)
    return finish(manifest_digest, manifest, document, size)


def check_documents(manifest: Manifest, document: ConfigDocument, wanted: Platform) -> tuple[str, ...]:
    """See that manifest and config belong together and to a platform; the diff ids of the layers.

    Raises:
        ImageError: they don't.
    """
    check_machine(document.os, document.architecture, wanted)
    diff_ids = document.rootfs.diff_ids
    if len(diff_ids) != len(manifest.layers):
        raise ImageError(
            f"the image's config speaks of {len(diff_ids)} layers, its manifest of {len(manifest.layers)}",
            "make or fetch the image anew",
        )
    if not diff_ids or len(diff_ids) > _MOST_LAYERS:
        raise ImageError(f"the image has {len(diff_ids)} layers", f"choose one that has 1 to {_MOST_LAYERS}")
    return diff_ids


def finish(manifest_digest: str, manifest: Manifest, document: ConfigDocument, size_bytes: int) -> Installed:
    """What is told of an image whose layers are all unpacked."""
    return Installed(
        id=manifest.config.digest,
        manifest_digest=manifest_digest,
        layers=tuple(document.rootfs.diff_ids),
        created_unix_ns=parse_time(document.created),
        size_bytes=size_bytes,
    )


def unpack_layer(
    paths: Paths, diff_id: str, descriptor: Descriptor, monitor: Monitor, part: str = "", what: str = "Unpacking"
) -> int:
    """Unpack a layer whose blob is in the store, unless it has been; the bytes of its files.

    Raises:
        ImageError: it is damaged, or another one than the config says.
        StoreError: the blob is missing, or the disk can't be written.
    """
    layers = LayerStore(paths)
    if layers.has(diff_id):
        return layers.size(diff_id)
    with Blobs(paths).open(checked_digest(descriptor.digest)) as archive:
        return layers.add(archive, diff_id, monitor.step(what, descriptor.size, part)).size_bytes


def require_size(descriptor: Descriptor, size: int) -> None:
    """See that content is as large as its descriptor says (descriptor.md, "Verification").

    Raises:
        ImageError: it isn't.
    """
    if size != descriptor.size:
        raise ImageError(
            f"a part of the image ({descriptor.digest[:19]}…) has {size} bytes, and should have {descriptor.size}",
            "it can't be trusted",
        )


def check_machine(system: str, architecture: str, wanted: Platform) -> None:
    """Refuse what isn't for a platform; an image that doesn't say is for all.

    Raises:
        ImageError: it is for another system or processor.
    """
    if system not in ("", wanted.os) or architecture not in ("", wanted.architecture):
        raise ImageError(
            f"the image is for {system}/{architecture}, and {platforms.name(wanted)} is wanted",
            f"get it for {wanted.architecture}, or ask for its own with --platform",
        )


def compose(
    blobs: Blobs, layers: Sequence[PackedLayer], document: ConfigDocument, changes: tuple[str, ...] = ()
) -> str:
    """Write config and manifest of an image from layers that are blobs already.

    Args:
        document: its layers are filled in here.
        changes: to its config, in a Dockerfile's words.

    Returns:
        the digest of the manifest.
    """
    rootfs = RootFs(diff_ids=tuple(layer.diff_id for layer in layers))
    whole = replace(document, architecture=document.architecture or go_architecture(os.uname().machine), rootfs=rootfs)
    config = blobs.put(_changed(encode(whole), changes) if changes else encode(whole))
    return write_manifest(blobs, config, [layer.descriptor for layer in layers])


def _changed(document: bytes, changes: tuple[str, ...]) -> bytes:
    """A config's bytes, changed as the JSON that it is: there may be fields in it of which we know nothing."""
    config: dict[str, Any] = msgspec.json.decode(document)
    config["config"] = config_changes.apply(config.get("config") or {}, changes)
    return msgspec.json.encode(config, order="deterministic")


def write_manifest(blobs: Blobs, config: Blob, layers: Sequence[Descriptor]) -> str:
    """Write a manifest for a config and layers that are blobs already; returns its digest."""
    manifest = Manifest(
        config=Descriptor(media_type=CONFIG, digest=config.digest, size=config.size), layers=tuple(layers)
    )
    return blobs.put(encode(manifest)).digest
