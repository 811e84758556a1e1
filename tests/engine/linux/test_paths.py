"""Opening and making files below a folder that somebody hostile has arranged."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.linux.paths import (
    make_directories_in_root,
    make_file_in_root,
    normal,
    open_beneath,
    open_in_root,
    open_without_links,
)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    descriptor = os.open(tmp_path / "root", os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def root(tmp_path: Path, top: int) -> Path:
    return tmp_path / "root"


def close(descriptor: int) -> None:
    os.close(descriptor)


@pytest.mark.parametrize(
    ("path", "expected"), [("a", "/a"), ("/a//b/", "/a/b"), ("//a/./b/../c", "/a/c"), ("/../..", "/"), ("", "/")]
)
def test_paths_begin_at_the_root(path: str, expected: str) -> None:
    assert normal(path) == expected


def test_folders_are_made_with_the_mode_that_is_asked_for(top: int, root: Path) -> None:
    before = os.umask(0o077)
    try:
        close(make_directories_in_root(top, "a/b/c", 0o751))
    finally:
        os.umask(before)
    assert [stat.S_IMODE((root / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")] == [0o751] * 3
    close(make_directories_in_root(top, "/a/b/c"))
    close(make_directories_in_root(top, "/"))


@pytest.mark.parametrize("target", ["/made/here", "../../../made/here", "made/here"])
def test_a_link_to_nowhere_is_followed_only_when_asked(top: int, root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(FileNotFoundError):
        make_directories_in_root(top, "/link/below")
    close(make_directories_in_root(top, "/link/below", through_links=True))
    assert (root / "made/here/below").is_dir()


def test_links_that_never_end_do_end(top: int, root: Path) -> None:
    (root / "one").symlink_to("two/x")
    (root / "two").symlink_to("one/x")
    with pytest.raises(OSError, match=r"Too many levels|No such file"):
        make_directories_in_root(top, "/one", through_links=True)


def test_a_file_is_no_folder_and_a_folder_no_file(top: int, root: Path) -> None:
    (root / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        make_directories_in_root(top, "/file/below")
    with pytest.raises(IsADirectoryError):
        make_file_in_root(top, "/")
    (root / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        make_file_in_root(top, "folder")


def test_a_file_takes_the_place_of_a_link_to_nowhere(top: int, root: Path) -> None:
    (root / "etc").mkdir()
    (root / "etc/resolv.conf").symlink_to("/run/nowhere")
    close(make_file_in_root(top, "/etc/resolv.conf"))
    assert (root / "etc/resolv.conf").is_file() and not (root / "etc/resolv.conf").is_symlink()


def test_where_no_links_may_be_one_is_an_error(top: int, root: Path) -> None:
    (root / "real").write_text("")
    (root / "link").symlink_to("real")
    close(open_without_links(top, "/real", os.O_PATH))
    for opening in (
        lambda: open_without_links(top, "/link", os.O_PATH),
        lambda: make_file_in_root(top, "link", links=False),
    ):
        with pytest.raises(OSError, match="Too many levels"):
            opening()


@pytest.mark.parametrize("leads_to", ["{outside}", "../outside", "/proc/self/root{outside}"])
def test_no_link_leads_out(top: int, root: Path, tmp_path: Path, leads_to: str) -> None:
    (root / "link").symlink_to(leads_to.format(outside=tmp_path / "outside"))
    for opening in (open_in_root, open_beneath):
        with pytest.raises(OSError, match=r"No such file|cross-device"):
            opening(top, "link", os.O_PATH)
