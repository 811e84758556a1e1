"""What tests of pulls share: looks into the store."""

from __future__ import annotations

import pytest

from engine.errors import BoxdeckError
from engine.images.images import Images
from engine.paths import Paths


def content(paths: Paths, diff_id: str, name: str) -> bytes:
    """A file of an unpacked layer."""
    return (paths.layer(diff_id) / name).read_bytes()


def left(paths: Paths) -> list[str]:
    """What is in the store but downloads to go on with."""
    found = [path for folder in (paths.blobs, paths.layers, paths.temporary) for path in folder.rglob("*")]
    return sorted(path.name for path in found if path.is_file())


async def refused(images: Images, name: str, paths: Paths, kind: type[BoxdeckError], words: str) -> None:
    """One sentence, and nothing in the store."""
    with pytest.raises(kind, match=words) as raised:
        await images.pull(name)
    assert "\n" not in str(raised.value)
    assert await images.list() == ()
    assert left(paths) == []
