"""How much of an image is too much: what a person has set, and streams that are watched for it.

Archives are made by strangers, and a few kilobytes can become terabytes. The defaults are far beyond what honest images
need; ``[registries.limits]`` of ``config.toml`` (`engine.config`) change them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from msgspec import Meta, Struct

from engine.errors import ImageError
from engine.oci.digest import Readable

MOST_DOCUMENT_BYTES: Final = 64 << 20  # documents are read into memory as a whole

Count = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes in may be as much as this.

    Attributes:
        layer_bytes: a layer's archive without its compression, and its files together, holes included.
        layer_ratio: how many times larger than what was sent a layer may become, beyond `ratio_free_bytes`.
        ratio_free_bytes: up to here nobody asks what it was before: zeros compress well.
        layer_entries: files, folders and all else in a layer.
        layer_depth: folders in each other.
        document_bytes: a manifest, an index or a config.
        zstd_window_bytes: the memory that a zstd frame may ask for.
    """

    layer_bytes: Count = 100 << 30
    layer_ratio: Count = 200
    ratio_free_bytes: Count = 1 << 30
    layer_entries: Count = 1_000_000
    layer_depth: Count = 256
    document_bytes: Annotated[int, Meta(ge=1, le=MOST_DOCUMENT_BYTES)] = 4 << 20  # what registries and containerd take
    zstd_window_bytes: Annotated[int, Meta(ge=1 << 10, le=1 << 31)] = 128 << 20  # what `zstd --ultra -22` takes

    def require_few(self, entries: int) -> None:
        """Refuse a layer of too many entries.

        Raises:
            ImageError: there are more.
        """
        if entries > self.layer_entries:
            raise too_much(f"a layer has more than {self.layer_entries} entries", "layer_entries")

    def require_flat(self, name: str, depth: int) -> None:
        """Refuse a name in too many folders.

        Raises:
            ImageError: it is in more.
        """
        if depth > self.layer_depth:
            raise too_much(f"the name {name[:60]!r}… of a layer is {depth} folders deep", "layer_depth")

    def require_small(self, size_bytes: int) -> None:
        """Refuse a layer of too many bytes.

        Raises:
            ImageError: it has more.
        """
        if size_bytes > self.layer_bytes:
            raise too_much(f"a layer has more than {self.layer_bytes} bytes", "layer_bytes")


class BoundedReader:
    """Reads a stream that was decompressed, and stops when it becomes too much.

    Args:
        consumed: how many bytes it took so far before decompression.

    Raises:
        ImageError: (on read) it is larger, or grows more, than the limits say.
    """

    def __init__(self, stream: Readable, consumed: Callable[[], int], limits: Limits) -> None:
        self._stream = stream
        self._consumed = consumed
        self._limits = limits
        self._size = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end."""
        data = self._stream.read(size)
        self._size += len(data)
        self._limits.require_small(self._size)
        limits = self._limits
        if self._size > limits.ratio_free_bytes and self._size > limits.layer_ratio * self._consumed():
            raise too_much(
                f"what was sent becomes more than {limits.layer_ratio} times as much when it is decompressed",
                "layer_ratio",
            )
        return data


def too_much(cause: str, limit: str) -> ImageError:
    """What to say when a limit is met."""
    return ImageError(cause, f"if you trust it, raise {limit} in [registries.limits] of config.toml")
