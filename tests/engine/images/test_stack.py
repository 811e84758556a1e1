"""Layers in memory are what overlayfs makes of them on a real mount, and every file knows where it comes from."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.images import whiteouts
from engine.images.stack import Stack
from engine.model import Change, Sighting

Step = tuple[str, str]  # what, and to which path
NAMES = ("a", "b", "a/c", "a/d", "a/c/e", "b/f")
STEPS = st.tuples(st.sampled_from(["file", "folder", "link", "remove", "mode"]), st.sampled_from(NAMES))


def act(root: Path, step: Step, content: str) -> None:
    """Do one thing in a tree, as far as it can be done there."""
    what, name = step
    path = root / name
    if not path.parent.is_dir() or path.parent.is_symlink():
        return
    if what == "remove" or (what in ("file", "link") and path.is_dir() and not path.is_symlink()):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
    if what == "file" and not path.is_symlink():
        path.write_text(content)
    elif what == "link" and not os.path.lexists(path):
        path.symlink_to(content)
    elif what == "folder" and not os.path.lexists(path):
        path.mkdir()
    elif what == "mode" and path.is_dir() and not path.is_symlink():
        path.chmod(0o711)


def tree(root: Path) -> dict[str, tuple[str, int]]:
    """Kind and size of everything below a folder, as the kernel tells."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            found["/" + os.path.relpath(path, root)] = (stat.filemode(status.st_mode)[0], size)
    return found


def merged(stack: Stack) -> dict[str, tuple[str, int]]:
    return {
        entry.path: (entry.kind, entry.size_bytes if entry.kind != "d" else 0) for entry in stack.entries("/", None)
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(STEPS, max_size=8), min_size=1, max_size=3))
def test_what_is_seen_is_what_overlayfs_shows(tmp_path: Path, layers: list[list[Step]]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    lowers, stack = [folder / "bottom"], Stack()
    lowers[0].mkdir()
    for number, steps in enumerate(layers):
        upper, work, mount = (folder / f"{name}{number}" for name in ("upper", "work", "mount"))
        for made in (upper, work, mount):
            made.mkdir()
        options = f"lowerdir={':'.join(map(str, reversed(lowers)))},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(mount)], check=True)
        try:
            for order, step in enumerate(steps):
                act(mount, step, f"{number}-{order}" * (order + 1))
            expected = tree(mount)
        finally:
            subprocess.run(["umount", str(mount)], check=True)
        stack.lay(str(upper), f"sha256:{number}")
        assert merged(stack) == expected
        lowers.append(upper)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three layers: the second changes and removes what the first has, the third hides a whole folder."""
    layers = [tmp_path / name for name in ("one", "two", "three")]
    for path, size in (("etc/passwd", 100), ("etc/group", 50), ("var/log/big", 10_000), ("usr/tool", 7)):
        (layers[0] / path).parent.mkdir(parents=True, exist_ok=True)
        (layers[0] / path).write_bytes(b"x" * size)
    (layers[1] / "etc").mkdir(parents=True)
    (layers[1] / "etc/passwd").write_bytes(b"y" * 120)
    os.mknod(layers[1] / "usr", whiteouts.MODE, whiteouts.DEVICE)
    (layers[2] / "var/log").mkdir(parents=True)
    (layers[2] / "var/log/small").write_bytes(b"z")
    descriptor = os.open(layers[2] / "var/log", os.O_RDONLY)
    whiteouts.make_opaque(descriptor)
    os.close(descriptor)
    return layers


def laid(folders: list[Path]) -> Stack:
    stack = Stack()
    for number, folder in enumerate(folders, start=1):
        stack.lay(str(folder), f"sha256:{number}")
    return stack


def test_a_path_knows_its_layer_and_those_that_it_hides(folders: list[Path]) -> None:
    stack = laid(folders)
    assert stack.sightings("/etc/passwd") == (
        Sighting(layer=2, diff_id="sha256:2", action="changed", size_bytes=120),
        Sighting(layer=1, diff_id="sha256:1", action="added", size_bytes=100),
    )
    assert [sighting.action for sighting in stack.sightings("usr/tool")] == ["removed", "added"]
    assert [sighting.layer for sighting in stack.sightings("/var/log/big")] == [3, 1]
    assert stack.sightings("/nowhere") == ()
    assert {entry.path: entry.layer for entry in stack.entries("/etc")} == {"/etc/group": 1, "/etc/passwd": 2}


def test_layers_are_counted(folders: list[Path]) -> None:
    tallies = laid(folders).tallies
    assert [tally.size_bytes for tally in tallies] == [10_157, 120, 1]
    assert [tally.wasted_bytes for tally in tallies] == [0, 107, 10_000]
    assert tallies[1].counts == {"added": 0, "changed": 1, "removed": 2}
    assert tallies[2].counts == {"added": 1, "changed": 1, "removed": 1}


def test_the_topmost_layer_s_changes_come_with_their_folders(folders: list[Path]) -> None:
    assert list(laid(folders[:2]).changes()) == [
        Change("changed", "/etc"),
        Change("changed", "/etc/passwd"),
        Change("removed", "/usr"),
    ]


def test_folders_add_up(folders: list[Path]) -> None:
    sizes = {entry.path: entry.size_bytes for entry in laid(folders).entries("/", 1)}
    assert sizes == {"/etc": 170, "/var": 1}


def test_a_hard_link_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    os.link(tmp_path / "a", tmp_path / "b")
    stack = Stack()
    assert stack.lay(str(tmp_path)).size_bytes == 10


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    stack = Stack()
    stack.lay(str(tmp_path))
    assert merged(stack) == {"/out": ("l", 0)}
