"""The image `base`: assembled from this machine's own shell and everyday tools, so that nothing need be downloaded.

Only programs, the libraries that they need, terminal descriptions and a locale are copied, all from folders that
packages own; the rest is made anew. The same machine gives the same digest: entries are sorted, owned by root and
carry one date, that of the newest file copied.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, cast

from engine.images.base_files import ENVIRONMENT
from engine.images.base_nodes import Node, collect_nodes
from engine.images.install import Installed, PackedLayer, compose, install
from engine.images.monitor import Advance, Monitor
from engine.oci.image_spec import LAYER_TAR, ConfigDocument, Descriptor, History, RunConfig, format_time
from engine.paths import Paths
from engine.store.blobs import Blob, Blobs

_HISTORY: Final = "assembled by Boxdeck from the tools of one machine"


def assemble(paths: Paths, monitor: Monitor) -> Installed:
    """Put the image together from what this machine has, and install it.

    Raises:
        ImageError: this machine has no shell that could be copied.
        StoreError: the disk can't be written.
    """
    nodes = collect_nodes()
    newest_seconds = max((int(node.source.stat().st_mtime) for node in nodes.values() if node.source), default=0)
    blobs = Blobs(paths)
    blob = _pack(blobs, nodes, newest_seconds, monitor.step("Assembling base from this machine's tools"))
    layer = PackedLayer(
        descriptor=Descriptor(media_type=LAYER_TAR, digest=blob.digest, size=blob.size), diff_id=blob.digest
    )
    return install(paths, compose(blobs, (layer,), _document(newest_seconds)), monitor)


def _document(created_seconds: int) -> ConfigDocument:
    created = format_time(created_seconds * 1_000_000_000)
    return ConfigDocument(
        created=created,
        config=RunConfig(env=ENVIRONMENT, cmd=("/bin/sh",), working_dir="/"),
        history=(History(created=created, created_by=_HISTORY),),
    )


def _pack(blobs: Blobs, nodes: Mapping[str, Node], date_seconds: int, advance: Advance) -> Blob:
    # tarfile's writing side is sound; it is the reading of strangers' archives that we do ourselves
    with (
        blobs.writer() as writer,
        tarfile.open(fileobj=cast(BinaryIO, writer), mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        _write(archive, nodes, date_seconds, advance)
    return writer.blob


def _write(archive: tarfile.TarFile, nodes: Mapping[str, Node], date_seconds: int, advance: Advance) -> None:
    """Add all entries; a file that goes to several places is there once, and then as hard links."""
    first_names: dict[Path, str] = {}
    for name, node in nodes.items():
        entry = tarfile.TarInfo(name or ".")
        entry.mode, entry.mtime = node.mode, date_seconds
        if node.source in first_names:
            entry.type, entry.linkname = tarfile.LNKTYPE, first_names[node.source]
        content = _content(node) if entry.type == tarfile.REGTYPE else None
        if content is None and entry.type == tarfile.REGTYPE:
            entry.type, entry.linkname = (tarfile.SYMTYPE, node.link) if node.link else (tarfile.DIRTYPE, "")
        if node.source:
            first_names.setdefault(node.source, name)
        entry.size = len(content or b"")
        archive.addfile(entry, io.BytesIO(content or b""))
        advance(entry.size)


def _content(node: Node) -> bytes | None:
    return node.source.read_bytes() if node.source else node.content
