"""Files of an image, read through its layers as a container would see them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.images.layers import lower_directories, read_file
from engine.images.whiteouts import make_opaque
from engine.model import Image, ImageConfig
from engine.paths import Paths


class Stack:
    """Two layers and an upper directory."""

    def __init__(self, folder: Path) -> None:
        self.upper, self.top, self.bottom = (folder / name for name in ("upper", "top", "bottom"))
        for path in (self.upper, self.top, self.bottom):
            path.mkdir()

    def read(self, name: str) -> bytes | None:
        return read_file((self.top, self.bottom), name, self.upper)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def write(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def whiteout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, stat.S_IFCHR, 0)


def opaque(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY)
    make_opaque(descriptor)
    os.close(descriptor)


def test_the_topmost_file_is_seen(stack: Stack) -> None:
    write(stack.bottom / "etc/passwd", b"bottom")
    assert stack.read("etc/passwd") == b"bottom"
    write(stack.top / "etc/passwd", b"top")
    assert stack.read("/etc/passwd") == b"top"
    write(stack.upper / "etc/passwd", b"upper")
    assert stack.read("./etc//passwd") == b"upper"


def test_whiteouts_hide_files_and_folders(stack: Stack) -> None:
    write(stack.bottom / "etc/passwd")
    whiteout(stack.top / "etc/passwd")
    assert stack.read("etc/passwd") is None
    write(stack.bottom / "opt/a/b")
    whiteout(stack.upper / "opt/a")
    assert stack.read("opt/a/b") is None


def test_opaque_folders_hide_what_is_below(stack: Stack) -> None:
    write(stack.bottom / "etc/passwd")
    write(stack.bottom / "etc/deep/file")
    opaque(stack.top / "etc")
    write(stack.top / "etc/group", b"group")
    assert stack.read("etc/passwd") is None
    assert stack.read("etc/deep/file") is None
    assert stack.read("etc/group") == b"group"


def test_a_file_hides_a_folder_below(stack: Stack) -> None:
    write(stack.bottom / "a/b")
    write(stack.top / "a")
    assert stack.read("a/b") is None


def test_links_lead_through_all_layers_and_never_out(stack: Stack, tmp_path: Path) -> None:
    write(tmp_path / "secret", b"secret")
    write(stack.bottom / "usr/lib/os-release", b"name")
    (stack.top / "etc").mkdir()
    (stack.top / "etc/os-release").symlink_to("../usr/lib/os-release")
    (stack.top / "etc/absolute").symlink_to("/usr/lib/os-release")
    (stack.top / "lib").symlink_to("usr/lib")
    (stack.upper / "out").symlink_to("../../secret")
    (stack.upper / "folder").symlink_to(tmp_path)
    assert stack.read("etc/os-release") == stack.read("etc/absolute") == stack.read("lib/os-release") == b"name"
    assert stack.read("out") is None
    assert stack.read("folder/secret") is None
    assert stack.read("../../secret") is None


def test_a_circle_of_links_ends(stack: Stack) -> None:
    (stack.top / "a").symlink_to("b")
    (stack.top / "b").symlink_to("a")
    assert stack.read("a") is None


def test_what_is_no_file_is_not_read(stack: Stack) -> None:
    os.mkfifo(stack.upper / "fifo")
    (stack.upper / "folder").mkdir()
    os.mknod(stack.upper / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    assert [stack.read(name) for name in ("fifo", "folder", "device", "nothing", "", "/")] == [None] * 6


def test_a_file_that_is_too_large_is_refused(stack: Stack) -> None:
    write(stack.top / "etc/passwd", b"x" * 101)
    with pytest.raises(ImageError, match="larger than 100"):
        read_file((stack.top,), "etc/passwd", limit_bytes=100)


def test_lower_directories_come_topmost_first_and_once(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    digests = [f"sha256:{digit * 64}" for digit in "abc"]
    for digest in digests:
        paths.layer(digest).mkdir(parents=True)
    a, b, c = digests
    image = Image(
        id="",
        references=(),
        manifest_digest="",
        layers=(a, b, a, c),
        config=ImageConfig(),
        created_unix_ns=0,
        size_bytes=0,
    )
    assert lower_directories(paths, image) == (paths.layer(c), paths.layer(a), paths.layer(b))
    opaque(paths.layer(a))
    assert lower_directories(paths, image) == (paths.layer(c), paths.layer(a))
