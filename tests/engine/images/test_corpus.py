"""What once broke other tools, by its number, and what a fuzzer thinks of: nothing outside the layer's folder changes.

The folder lies beside a tree of canaries. Whatever an archive says, it is refused or stays inside.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ImageError
from engine.images.removal import remove_tree
from engine.images.unpack import unpack
from tests.peers.trees import Tree, describe

DIR, FILE, LINK, SYM = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE
OUT = "{outside}"  # where the canaries are
Step = tuple[bytes, str, str]  # kind, name, and a link's target or a file's content

REFUSED: dict[str, list[Step]] = {
    "CVE-2001-1267, GNU tar: names with ..": [(FILE, "../outside/victim", "evil")],
    "CVE-2002-0399, GNU tar: .. after a slash": [(FILE, "/../outside/victim", "evil")],
    "CVE-2007-4131, GNU tar: slashes before ..": [(FILE, "a//../../outside/victim", "evil")],
    "CVE-2016-6321, GNU tar: .. behind what is wanted": [(FILE, f"etc/motd/../../..{OUT}/victim", "evil")],
    "CVE-2007-4559, tarfile: as many .. as it takes": [(FILE, "../" * 40 + f"{OUT}/victim", "evil")],
    "CVE-2018-20834, node-tar: a file over a hard link": [(LINK, "h", f"{OUT}/victim"), (FILE, "h", "evil")],
    "CVE-2014-6407, docker: a hard link outside": [(LINK, "h", "../outside/victim"), (FILE, "h", "evil")],
    "a hard link with an absolute target": [(LINK, "h", f"{OUT}/victim")],
    "a hard link below a link": [(SYM, "s", f"{OUT}/victim"), (LINK, "s/x", "s")],
    "CVE-2011-5325, busybox: through a link made before": [(SYM, "d", OUT), (FILE, "d/victim", "evil")],
    "CVE-2014-9356, docker: through an absolute link": [(SYM, "d", OUT), (DIR, "d/new", "")],
    "CVE-2002-1216, GNU tar: a link in the middle": [(DIR, "a", ""), (SYM, "a/b", OUT), (FILE, "a/b/victim", "evil")],
    "CVE-2021-32803, node-tar: a folder that becomes a link": [
        (DIR, "d", ""), (SYM, "d", OUT), (FILE, "d/victim", "evil"),
    ],
    "CVE-2025-45582, GNU tar: a link up, then through it": [(SYM, "x", "../outside"), (FILE, "x/victim", "evil")],
    "CVE-2021-29136, umoci: the root is a link": [(SYM, "/", OUT), (FILE, "victim", "evil")],
    "CVE-2021-29136, umoci: the root is a link by its other name": [(SYM, "./", OUT), (FILE, "./victim", "evil")],
    "CVE-2024-12718, tarfile: permissions through ..": [(DIR, "a/..", ""), (DIR, "a/../../outside", "")],
    "CVE-2025-4330, tarfile: links that lead to links": [
        (DIR, "a/b", ""), (SYM, "a/b/up", "../.."), (SYM, "up", "a/b/up/.."), (FILE, "up/../outside/victim", "evil"),
    ],
    "whiteouts through a link": [(SYM, "d", OUT), (FILE, "d/.wh.victim", "")],
    "an opaque folder through a link": [(SYM, "d", OUT), (FILE, "d/.wh..wh..opq", "")],
    "a whiteout of ..": [(DIR, "d", ""), (FILE, "d/.wh...", "")],
    "a name that is too long for any file": [(FILE, "n" * 300, "")],
    "a hard link to the root": [(LINK, "h", "/")],
    "a hard link to a folder": [(DIR, "d", ""), (LINK, "h", "d")],
    "a hard link to nothing": [(LINK, "h", "nothing")],
    "a file in a file": [(FILE, "f", ""), (FILE, "f/g", "")],
    "a circle of links": [(SYM, "a", "b"), (SYM, "b", "a"), (FILE, "a/x", "")],
    "a link into /proc": [(SYM, "p", "/proc/self/root"), (FILE, f"p{OUT}/victim", "evil")],
    "a link to a descriptor": [(SYM, "p", "/proc/self/fd/3"), (FILE, "p/victim", "evil")],
}  # fmt: skip

INSIDE: dict[str, list[Step]] = {
    "CVE-2025-4138, tarfile: a target that looks as if it stayed": [
        (SYM, "a", "b/../.."), (DIR, "b", ""), (FILE, "a/outside/victim", "evil"),
    ],
    "absolute names": [(FILE, f"{OUT}/victim", "evil")],
    "CVE-2021-32804, node-tar: several slashes in front": [(FILE, f"////{OUT}/victim", "evil")],
    "CVE-2021-37701, node-tar: backslashes": [(SYM, "d", OUT), (FILE, "d\\victim", "x"), (FILE, "..\\outside", "x")],
    "CVE-2021-37712, node-tar: names that differ by their accents": [
        (DIR, "caf\u00e9", ""), (SYM, "cafe\u0301", OUT), (FILE, "caf\u00e9/victim", "x"),
    ],
    "CVE-2021-37713, node-tar: drives": [(FILE, "C:../outside/x".replace("../", "..\\"), "x"), (FILE, "c:victim", "x")],
    "CVE-2021-32760, containerd: permissions of a link's target": [(SYM, "s", f"{OUT}/victim"), (LINK, "h", "s")],
    "CVE-2021-23177, libarchive: attributes of a link's target": [(SYM, "s", OUT), (SYM, "s", f"{OUT}/victim")],
    "CVE-2021-31566, libarchive: times of a link's target": [(DIR, "d", ""), (SYM, "d", OUT)],
    "CVE-2024-9676, containers/storage: /etc/passwd is a link": [(SYM, "etc/passwd", f"{OUT}/victim")],
    "a file over a link": [(SYM, "s", f"{OUT}/victim"), (FILE, "s", "evil")],
    "a folder over a link": [(SYM, "s", OUT), (DIR, "s", ""), (FILE, "s/victim", "x")],
    "a fifo over a link": [(SYM, "s", f"{OUT}/victim"), (tarfile.FIFOTYPE, "s", "")],
    "a device over a link": [(SYM, "s", f"{OUT}/victim"), (tarfile.CHRTYPE, "s", "")],
    "a hard link over a link": [(FILE, "f", "x"), (SYM, "s", f"{OUT}/victim"), (LINK, "s", "f")],
    "a link over what it is to point to": [(FILE, "f", "x"), (SYM, "f", f"{OUT}/victim"), (FILE, "f", "evil")],
    "a link to a link outside": [(SYM, "a", f"{OUT}/link"), (LINK, "b", "a")],
    "a folder over a file over a folder": [(DIR, "d", ""), (FILE, "d", "x"), (DIR, "d", ""), (FILE, "d/victim", "x")],
    "names with what terminals obey": [(FILE, "\x1b]0;evil\x07", "x"), (FILE, "\x9b31m", "x"), (FILE, "a\rb\nc", "x")],
    "names of blanks and dots": [(FILE, " ", "x"), (FILE, "...", "x"), (FILE, "a/.../b", "x"), (FILE, "-rf", "x")],
    "a whiteout in a file's place": [(FILE, "f", "x"), (FILE, "f/.wh.victim", "")],
    "a whiteout of a link": [(SYM, "s", OUT), (FILE, ".wh.s", "")],
    "whiteouts of whiteouts": [(FILE, ".wh..wh.victim", ""), (FILE, ".wh..wh..wh.", "")],
    "an archive of nothing but its root": [(DIR, "/", ""), (DIR, "./", ""), (DIR, ".", "")],
}  # fmt: skip


class Place:
    """A folder to unpack to, beside canaries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target, self.outside = folder / "target", folder / "outside"
        for made in (self.target, self.outside, self.outside / "inner"):
            made.mkdir()
        for name in ("victim", "inner/victim"):
            (self.outside / name).write_text("safe")
            (self.outside / name).chmod(0o640)
            os.setxattr(self.outside / name, "user.note", b"safe")
        (self.outside / "link").symlink_to("victim")
        os.utime(self.outside, ns=(0, 1_000_000_000_000_000_000))
        self._before = self._seen()

    def _seen(self) -> tuple[Tree, list[str], int, int]:
        status = self.outside.stat()
        links = (self.outside / "victim").stat().st_nlink
        return describe(self.outside), sorted(os.listdir(self.folder)), status.st_mtime_ns, links

    def is_untouched(self) -> bool:
        return self._seen() == self._before

    def unpack(self, steps: list[Step]) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for kind, name, more in steps:
                archive.addfile(*self._member(kind, name, more.replace(OUT, str(self.outside))))
        descriptor = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            unpack(io.BytesIO(buffer.getvalue()), descriptor)
        finally:
            os.close(descriptor)

    def _member(self, kind: bytes, name: str, more: str) -> tuple[tarfile.TarInfo, io.BytesIO]:
        info = tarfile.TarInfo()
        info.type, info.name = kind, name.replace(OUT, str(self.outside))
        info.mode, info.uid, info.gid, info.mtime = 0o6777, 4321, 4321, 12345
        info.pax_headers = {"SCHILY.xattr.user.note": "evil"} if kind in (FILE, DIR) else {}
        content = more.encode() if kind == FILE else b""
        info.size, info.linkname = len(content), more if kind in (LINK, SYM) else ""
        return info, io.BytesIO(content)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("case", REFUSED)
def test_what_leads_out_is_refused(place: Place, case: str) -> None:
    with pytest.raises(ImageError) as raised:
        place.unpack(REFUSED[case])
    assert "\n" not in str(raised.value)
    assert place.is_untouched()


@pytest.mark.parametrize("case", INSIDE)
def test_what_only_looks_so_stays_inside(place: Place, case: str) -> None:
    place.unpack(INSIDE[case])
    assert place.is_untouched()


@pytest.mark.parametrize(
    "harm",
    [
        "chmod 777 outside/victim", "chown 1:1 outside/victim", "ln outside/victim target/x", "touch outside/new",
        "setfattr", "touch beside", "rm outside/link", "echo x >> outside/victim",
    ],
)  # fmt: skip
def test_the_canaries_would_tell(place: Place, harm: str) -> None:
    if harm == "setfattr":
        os.setxattr(place.outside / "victim", "user.note", b"evil")
    else:
        subprocess.run(["sh", "-ec", harm], cwd=place.folder, check=True)
    assert not place.is_untouched()


PARTS = ["..", ".", "", "a", "b", "a", "b", "outside", "victim", ".wh.a", ".wh..wh..opq", ".wh.victim", "a" * 256]
PATHS = st.tuples(
    st.sampled_from(["", "", "/", "./", "../", f"{OUT}/", "/proc/self/root/", "/proc/self/cwd/"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=5),
).map(lambda drawn: drawn[0] + "/".join(drawn[1]))
KINDS = st.sampled_from([DIR, FILE, FILE, LINK, SYM, SYM, SYM, tarfile.FIFOTYPE, tarfile.CHRTYPE])
ARCHIVES = st.lists(st.tuples(KINDS, PATHS, PATHS), max_size=12)


@settings(max_examples=100, deadline=None)
@given(ARCHIVES)
def test_no_archive_changes_anything_outside(steps: list[Step]) -> None:
    within(lambda place: place.unpack(steps))


@settings(max_examples=40, deadline=None)
@given(ARCHIVES, ARCHIVES)
def test_nor_do_two_into_one_folder(first: list[Step], second: list[Step]) -> None:
    def both(place: Place) -> None:
        with suppress(ImageError):
            place.unpack(first)
        place.unpack(second)

    within(both)


def within(act: Callable[[Place], None]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-corpus-"))
    place = Place(folder)
    try:
        with suppress(ImageError):
            act(place)
        assert place.is_untouched()
        remove_tree(place.target)
        assert place.folder.is_dir() and not place.target.exists()
        (place.folder / "target").mkdir()
        assert place.is_untouched()
    finally:
        remove_tree(folder)
