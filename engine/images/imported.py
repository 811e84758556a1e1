"""A root file system's tar becomes an image with one layer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from engine.config.reading import registry_settings
from engine.errors import ImageError, NotFound
from engine.images import config_changes
from engine.images.install import Installed, PackedLayer, compose, install
from engine.images.layer_store import LayerStore
from engine.images.limits import BoundedReader
from engine.images.monitor import Monitor
from engine.images.streams import compression, decompressed
from engine.oci.image_spec import LAYER_GZIP, LAYER_TAR, ConfigDocument, Descriptor, History, RunConfig, format_time
from engine.paths import Paths
from engine.store.blobs import Blobs

PATH_VARIABLE: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Making(Struct, frozen=True, kw_only=True):
    """What is said of the image: when it was made, changes in a Dockerfile's words, and a comment for its history."""

    created_unix_ns: int
    comment: str
    changes: tuple[str, ...] = ()


def import_archive(paths: Paths, path: Path, made: Making, monitor: Monitor) -> Installed:
    """Store a tar, plain or compressed with gzip, xz, bzip2 or zstd, and unpack it as an image's only layer.

    Raises:
        InvalidRequest: a change can't be understood.
        NotFound: there is no such file.
        ImageError: it is no tar, or damaged; nothing is kept but blobs that the next collection takes.
    """
    config_changes.apply({}, made.changes)  # before all work
    with open_archive(path) as file:
        layer = _pack(paths, file, monitor)
    document = ConfigDocument(
        created=format_time(made.created_unix_ns),
        config=RunConfig(env=(PATH_VARIABLE,), cmd=("/bin/sh",), working_dir="/"),
        history=(History(created=format_time(made.created_unix_ns), comment=made.comment),),
    )
    return install(paths, compose(Blobs(paths), (layer,), document, made.changes), monitor)


def open_archive(path: Path) -> BinaryIO:
    """Open a file that a person named.

    Raises:
        NotFound: there is no such file.
        ImageError: it is a folder or can't be read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", "check the name") from error
    except OSError as error:
        raise ImageError(f"{path} can't be read ({error.strerror})", "give a file that can be read") from error


def _pack(paths: Paths, file: BinaryIO, monitor: Monitor) -> PackedLayer:
    """Keep gzip as it came; what else there is, layers may not be compressed with, and is stored plain."""
    blobs = Blobs(paths)
    is_gzip = compression(file) == "gzip"
    total = os.fstat(file.fileno()).st_size
    limits = registry_settings().limits
    bounded = BoundedReader(decompressed(file, limits), file.tell, limits)
    blob = blobs.add(file if is_gzip else bounded, advance=monitor.step("Reading the archive", total))
    with blobs.open(blob.digest) as archive:
        unpacked = LayerStore(paths).add(archive, None, monitor.step("Unpacking the archive", blob.size))
    media_type = LAYER_GZIP if is_gzip else LAYER_TAR
    return PackedLayer(
        descriptor=Descriptor(media_type=media_type, digest=blob.digest, size=blob.size), diff_id=unpacked.diff_id
    )
