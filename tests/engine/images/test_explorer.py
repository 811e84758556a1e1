"""The layer explorer: files as they are on top of each layer, what is wasted, and a layer that changes meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.images import whiteouts
from engine.images.explorer import Explorer, OwnLayer
from engine.images.fingerprint import fingerprint
from engine.images.images import Images
from engine.images.removal import remove_tree
from engine.images.stack import Stack
from engine.model.layer import LayerFile
from engine.oci.image_spec import History
from engine.paths import Paths
from tests.engine.images.conftest import Layout, MakeMember, MakeTar

ONE, TWO, THREE = ("sha256:" + digit * 64 for digit in "123")


def write(path: Path, size: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def whiteout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, whiteouts.MODE, whiteouts.DEVICE)


@pytest.fixture
def explorer(paths: Paths) -> Explorer:
    """The second layer changes a file and removes a folder; the third brings one of its files back, as a link."""
    one, two, three = (paths.layer(diff_id) for diff_id in (ONE, TWO, THREE))
    for name, size in (("etc/passwd", 100), ("etc/group", 50), ("var/log/big", 1000), ("var/log/old", 10)):
        write(one / name, size)
    write(two / "etc/passwd", 120)
    whiteout(two / "var/log")
    (three / "var/log").mkdir(parents=True)
    (three / "var/log/old").symlink_to("../old")
    steps = [History(created_by=f"step {number}") for number in (1, 2, 3)]
    return Explorer(paths, (ONE, TWO, THREE), steps)


def lines(file: LayerFile, place: str = "") -> Iterator[tuple[str, str, int, int, str]]:
    """Path, kind, size, layer and action of everything below."""
    for child in file.children:
        yield f"{place}/{child.name}", child.kind, child.size_bytes, child.layer, child.action or ""
        yield from lines(child, f"{place}/{child.name}")


def test_on_top_of_the_lowest_layer_everything_is_added(explorer: Explorer) -> None:
    assert list(lines(explorer.files(1))) == [
        ("/etc", "d", 150, 1, "added"),
        ("/etc/group", "-", 50, 1, "added"),
        ("/etc/passwd", "-", 100, 1, "added"),
        ("/var", "d", 1010, 1, "added"),
        ("/var/log", "d", 1010, 1, "added"),
        ("/var/log/big", "-", 1000, 1, "added"),
        ("/var/log/old", "-", 10, 1, "added"),
    ]


def test_what_a_layer_removes_is_still_there_and_marked(explorer: Explorer) -> None:
    assert list(lines(explorer.files(2))) == [
        ("/etc", "d", 170, 1, ""),
        ("/etc/group", "-", 50, 1, ""),
        ("/etc/passwd", "-", 120, 2, "changed"),
        ("/var", "d", 0, 1, ""),
        ("/var/log", "d", 1010, 2, "removed"),
        ("/var/log/big", "-", 1000, 2, "removed"),
        ("/var/log/old", "-", 10, 2, "removed"),
    ]


def test_what_lower_layers_have_removed_is_gone(explorer: Explorer) -> None:
    found = {path: rest for path, *rest in lines(explorer.files(3))}
    assert "/var/log/big" not in found
    assert found["/var/log/old"] == ["l", 0, 3, "added"]
    assert found["/etc/passwd"] == ["-", 120, 2, ""]


def test_all_layers_together_mark_what_several_had_a_hand_in(explorer: Explorer) -> None:
    marked = {path: action for path, *_, action in lines(explorer.files()) if action}
    assert marked == {
        "/etc/passwd": "changed",
        "/var/log": "changed",
        "/var/log/big": "removed",
        "/var/log/old": "changed",
    }


def test_folders_know_whether_anything_below_was_touched(explorer: Explorer) -> None:
    root = explorer.files(3)
    assert {child.name: child.is_touched for child in root.children} == {"etc": False, "var": True}


def test_links_lead_somewhere_only_where_they_are_links(explorer: Explorer) -> None:
    def old(layer: int) -> LayerFile:
        var = next(child for child in explorer.files(layer).children if child.name == "var")
        return next(child for child in var.children[0].children if child.name == "old")

    assert (old(1).kind, old(1).link) == ("-", "")
    assert (old(3).kind, old(3).link) == ("l", "../old")


def test_efficiency_is_what_dive_counts(explorer: Explorer) -> None:
    # passwd 100 of 220, group 50 of 50, the folder's 1,010 once as files and once as what was removed; 0 of old's link
    least = 100 + 50 + 1000 + 0
    whole = 220 + 50 + 1000 + 10 + 1010
    assert explorer.efficiency == pytest.approx(least / whole)


def test_what_nobody_sees_is_listed_and_is_what_layers_waste(explorer: Explorer) -> None:
    found = [(each.path, each.layers, each.wasted_bytes) for each in explorer.waste()]
    assert found == [
        ("/var/log/big", (1, 2), 1000),
        ("/etc/passwd", (1, 2), 100),
        ("/var/log/old", (1, 2, 3), 10),
    ]
    assert sum(each.wasted_bytes for each in explorer.waste()) == sum(layer.wasted_bytes for layer in explorer.layers())


def test_nothing_wasted_is_wholly_efficient(paths: Paths) -> None:
    write(paths.layer(ONE) / "a", 5)
    assert Explorer(paths, (ONE,)).efficiency == 1
    assert Explorer(paths, ()).efficiency == 1


# A layer that changes


@pytest.fixture
def own(explorer: Explorer, paths: Paths, tmp_path: Path) -> tuple[Explorer, Path]:
    upper = tmp_path / "upper"
    upper.mkdir()
    return Explorer(paths, (ONE, TWO, THREE), (), OwnLayer(str(upper), lambda uid, gid: (uid, gid))), upper


def test_a_containers_own_layer_is_followed(own: tuple[Explorer, Path]) -> None:
    explorer, upper = own
    write(upper / "etc/new", 7)
    assert explorer.renew()
    assert ("/etc/new", "-", 7, 4, "added") in list(lines(explorer.files(4)))
    assert not explorer.renew()
    (upper / "etc/new").unlink()
    whiteout(upper / "etc/passwd")
    assert explorer.renew()
    found = list(lines(explorer.files(4)))
    assert ("/etc/passwd", "-", 120, 4, "removed") in found
    assert not any(path == "/etc/new" for path, *_ in found)
    assert explorer.layers()[-1].removed == 1 and explorer.layers()[-1].added == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda root: write(root / "kept", 9),
        lambda root: (root / "kept").chmod(0o600),
        lambda root: os.utime(root / "kept", (1, 1)),
        lambda root: os.rename(root / "kept", root / "other"),
        lambda root: (root / "kept").unlink(),
        lambda root: write(root / "folder/deep/new"),
        lambda root: (root / "folder").chmod(0o700),
        lambda root: root.chmod(0o700),
    ],
)
def test_whatever_changes_is_another_fingerprint(tmp_path: Path, change: Callable[[Path], object]) -> None:
    write(tmp_path / "kept", 9)
    write(tmp_path / "folder/deep/file")
    before = fingerprint(str(tmp_path))
    assert fingerprint(str(tmp_path)) == before
    while os.stat(tmp_path / "kept").st_ctime_ns == _now(tmp_path):  # the file system's clock goes in steps
        pass
    change(tmp_path)
    assert fingerprint(str(tmp_path)) != before


def _now(folder: Path) -> int:
    """What a change of this moment would be dated."""
    beside = folder.parent / f"{folder.name}-clock"
    beside.touch()
    os.utime(beside)
    return beside.stat().st_ctime_ns


NAMES = ("a", "b", "a/c", "a/d", "a/c/e")
STEPS = st.lists(st.tuples(st.sampled_from(["file", "folder", "gone", "opaque"]), st.sampled_from(NAMES)), max_size=6)


def make(root: Path, steps: list[tuple[str, str]]) -> None:
    """A layer with whatever of the steps is possible."""
    root.mkdir()
    for what, name in steps:
        path = root / name
        if os.path.lexists(path) or not path.parent.is_dir():
            continue
        if what == "gone":
            whiteout(path)
        elif what == "file":
            write(path, len(name))
        else:
            path.mkdir()
            if what == "opaque":
                descriptor = os.open(path, os.O_RDONLY)
                whiteouts.make_opaque(descriptor)
                os.close(descriptor)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=3), STEPS)
def test_a_layer_that_is_taken_away_leaves_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory, lower: list[list[tuple[str, str]]], upper: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("peeled")
    stack = Stack()
    for number, steps in enumerate(lower):
        make(folder / f"{number}", steps)
        stack.lay(str(folder / f"{number}"), f"sha256:{number}")
    before = state(stack)
    make(folder / "own", upper)
    stack.lay(str(folder / "own"), passing=True)
    stack.peel()
    assert state(stack) == before


def state(stack: Stack) -> list[object]:
    def of(path: str, node: object) -> Iterator[object]:
        for name, child in sorted(node.children.items()):  # type: ignore[attr-defined]
            yield path, name, child.kind, child.layer, child.size, child.link, child.status, tuple(child.sightings)
            yield from of(f"{path}/{name}", child)

    return [*of("", stack.root), [tally.counts for tally in stack.tallies]]


# Reading


async def test_reading_tells_how_far_it_is_and_its_layers_have_words(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember
) -> None:
    image = layout.image(tar(member("one", b"1" * 1000), member("two", b"2")))
    layout.finish({**image, "annotations": {"org.opencontainers.image.ref.name": "made:1"}})
    await images.load(layout.folder)
    job = images.explore("made:1")
    told = [progress async for progress in job]
    explorer = await job
    assert {progress.what for progress in told} == {"Reading layers"}
    assert [child.name for child in explorer.files().children] == ["one", "two"]


def test_folders_in_folders_in_folders_end_somewhere(paths: Paths) -> None:
    folder = paths.layer(ONE)
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        there = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(here)
    explorer = Explorer(paths, (ONE,))
    deep = explorer.files(1)
    while deep.children:
        deep = deep.children[0]
    assert deep.name == "d" and explorer.efficiency == 1
    remove_tree(folder)  # which pytest can't
