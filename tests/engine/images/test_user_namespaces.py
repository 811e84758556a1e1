"""Layers mounted by somebody without privileges, in a user namespace of theirs, are the tree that root sees."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.images.images import Images
from engine.images.layers import lower_directories
from engine.images.whiteouts import USER_OPAQUE_XATTR
from engine.paths import Paths

if TYPE_CHECKING:
    from tests.engine.images.conftest import Layout, MakeMember, MakeTar

_NOBODY = 65534
_LISTING = """
import json, os, stat, sys
found = {}
for place, folders, files in os.walk(sys.argv[1]):
    for name in folders + files:
        path = os.path.join(place, name)
        status = os.lstat(path)
        content = open(path).read() if stat.S_ISREG(status.st_mode) else ""
        found[os.path.relpath(path, sys.argv[1])] = [oct(status.st_mode), status.st_mtime_ns, content]
print(json.dumps(found))
"""
# Folders on a tmpfs of our own, since nobody may go through those of the tests
_PLACES = """
mount -t tmpfs -o mode=755 layers /mnt
mkdir /mnt/merged; chmod 777 /mnt/merged
number=0; lower=
for layer; do
    number=$((number + 1)); mkdir /mnt/$number; mount --bind "$layer" /mnt/$number; lower=$lower:/mnt/$number
done
export lower=${lower#:}
"""
_MOUNT = 'mount -t overlay -o "$OPTIONS,lowerdir=$lower" overlay /mnt/merged && exec python3 -c "$LISTING" /mnt/merged'
_AS_ROOT = f"set -e; {_PLACES}\n{_MOUNT}"
_AS_NOBODY = (
    f"set -e; {_PLACES}\nexec setpriv --reuid {_NOBODY} --regid {_NOBODY} --clear-groups --bounding-set -all "
    f"unshare --map-root-user --mount sh -c '{_MOUNT}'"
)


def tree(layers: tuple[Path, ...], script: str, options: str) -> dict[str, Any]:
    """What a mount of layers shows, in mount namespaces of its own: mode, time and content by path."""
    environment = {"OPTIONS": options, "LISTING": _LISTING, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", *map(str, layers)]
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.fixture
async def layers(images: Images, paths: Paths, layout: Layout, tar: MakeTar, member: MakeMember) -> tuple[Path, ...]:
    """Three layers of an image, the topmost first: files, what hides some of them, and what comes in their place."""
    folder = tarfile.DIRTYPE
    descriptor = layout.image(
        tar(
            *(member(f"{name}/old", b"old") for name in ("whole", "replaced", "gone", "deep/whole", "kept")),
            member("kept/gone", b"old"),
            member("file", b"old"),
            member("below/file", b"old"),
        ),
        tar(
            member("whole/.wh..wh..opq"),
            member("deep/whole", type=folder, mode=0o775),
            member("deep/whole/.wh..wh..opq"),
            member("deep/whole/new", b"new"),
            member(".wh.replaced"),
            member("replaced/new", b"new"),
            member(".wh.gone"),
            member("kept/.wh.gone"),
            member(".wh.file"),
            member("below", b"a file where a folder was"),
        ),
        tar(member("kept/new", b"new"), member("whole/new", b"new")),
    )
    image = await images.load(layout.finish(descriptor))
    return lower_directories(paths, image[0])


def test_a_user_namespace_sees_neither_what_was_removed_nor_what_is_hidden(layers: tuple[Path, ...]) -> None:
    by_root = tree(layers, _AS_ROOT, "index=off")
    assert set(by_root) == {
        "whole", "whole/new", "deep", "deep/whole", "deep/whole/new", "replaced", "replaced/new", "kept", "kept/old",
        "kept/new", "below",
    }  # fmt: skip
    assert tree(layers, _AS_NOBODY, "userxattr") == by_root


def test_without_its_own_form_a_user_namespace_would_see_what_is_hidden(layers: tuple[Path, ...]) -> None:
    """What the test above rests on: the kernel really reads that attribute there, and no other."""
    os.removexattr(layers[1] / "deep/whole", USER_OPAQUE_XATTR)
    assert "deep/whole/old" in tree(layers, _AS_NOBODY, "userxattr")
    assert "deep/whole/old" not in tree(layers, _AS_ROOT, "index=off")
