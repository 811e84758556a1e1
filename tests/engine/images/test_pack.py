"""A container's layer, packed and unpacked again, is the same layer."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import tarfile
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.images import whiteouts
from engine.images.pack import Packer, pack_layer, plain_capability
from engine.images.stack import Stack
from engine.images.unpack import unpack
from tests.engine.images.test_stack import STEPS, Step, act, merged, tree


def packed(folder: Path, shift: int = 0) -> bytes:
    file = io.BytesIO()
    packer = Packer(file, lambda uid, gid: (max(uid - shift, 0), max(gid - shift, 0)), lambda size: None)
    pack_layer(packer, str(folder))
    return file.getvalue()


def unpacked(data: bytes, folder: Path) -> Path:
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    unpack(io.BytesIO(data), descriptor)
    os.close(descriptor)
    return folder


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8), st.lists(STEPS, max_size=8))
def test_what_overlayfs_has_written_comes_back(tmp_path: Path, before: list[Step], after: list[Step]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    lower, upper, work, mount = (folder / name for name in ("lower", "upper", "work", "mount"))
    for made in (lower, upper, work, mount):
        made.mkdir()
    for step in before:
        act(lower, step, "before")
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(mount)], check=True)
    try:
        for step in after:
            act(mount, step, "after")
        expected = tree(mount)
    finally:
        subprocess.run(["umount", str(mount)], check=True)
    stack = Stack()
    stack.lay(str(lower))
    stack.lay(str(unpacked(packed(upper), folder / "layer")))
    assert merged(stack) == expected


def test_everything_about_a_file_comes_along(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    upper.mkdir()
    tool = upper / "tool"
    tool.write_bytes(b"x" * 3_000_000)
    os.chown(tool, 1_000_033, 1_000_044)
    tool.chmod(0o4755)
    os.setxattr(tool, "user.note", b"\xff\x00=\n")
    os.utime(tool, (1_600_000_000, 1_600_000_000))
    os.link(tool, upper / "other")
    (upper / "link").symlink_to("/etc/../tool")
    os.mkfifo(upper / "fifo")
    os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (upper / os.fsdecode(b"odd\n\xff" + b"n" * 200)).write_text("odd")
    layer = unpacked(packed(upper, 1_000_000), tmp_path / "layer")
    found = (layer / "tool").stat()
    assert (found.st_uid, found.st_gid, found.st_mode, found.st_mtime) == (33, 44, 0o104755, 1_600_000_000)
    assert os.getxattr(layer / "tool", "user.note") == b"\xff\x00=\n"
    assert (layer / "tool").read_bytes() == tool.read_bytes()
    assert (layer / "other").samefile(layer / "tool")
    assert os.readlink(layer / "link") == "/etc/../tool"
    assert stat.S_ISFIFO((layer / "fifo").stat().st_mode)
    assert (layer / "null").stat().st_rdev == os.makedev(1, 3)
    assert sorted(os.listdir(os.fsencode(layer))) == sorted(os.listdir(os.fsencode(upper)))


def test_what_hides_is_written_as_archives_write_it(tmp_path: Path) -> None:
    os.mknod(tmp_path / "gone", whiteouts.MODE, whiteouts.DEVICE)
    (tmp_path / "opaque").mkdir()
    descriptor = os.open(tmp_path / "opaque", os.O_RDONLY)
    whiteouts.make_opaque(descriptor)
    os.close(descriptor)
    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path))) as archive:
        assert archive.getnames() == [".wh.gone", "opaque", "opaque/.wh..wh..opq"]
        assert not archive.getmember("opaque").pax_headers


def test_file_capabilities_lose_the_root_that_only_this_machine_knows() -> None:
    plain = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    assert plain_capability(struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, 1_000_000)) == plain
    assert plain_capability(plain) == plain
