"""A layer's archive becomes a folder: what is in it arrives as it was packed."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import ImageError
from engine.images import acl
from engine.images.limits import Limits
from engine.images.removal import remove_tree
from engine.images.unpack import unpack
from engine.images.whiteouts import USER_OPAQUE_XATTR
from tests.peers.trees import access_list

if TYPE_CHECKING:
    from tests.engine.images.conftest import MakeMember, MakeTar, UnpackTo

OPAQUE = "trusted.overlay.opaque"


def test_files_keep_content_mode_owner_and_time(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    packed = tar(member("a/b/file", b"hello", mode=0o4750, uid=1234, gid=5678, mtime=1_600_000_000.25))
    unpacked = unpack_to(packed)
    status = (target / "a/b/file").stat()
    assert (target / "a/b/file").read_bytes() == b"hello"
    assert stat.S_IMODE(status.st_mode) == 0o4750
    assert (status.st_uid, status.st_gid) == (1234, 5678)
    assert status.st_mtime_ns == 1_600_000_000_250_000_000
    assert unpacked.size_bytes == 5
    assert unpacked.diff_id == f"sha256:{hashlib.sha256(packed).hexdigest()}"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember, form: int
) -> None:
    long = "/".join(["d" * 50] * (4 if form == tarfile.USTAR_FORMAT else 12))
    unpack_to(tar(member(f"{long}/file", b"x" * 1000), member("kurz", b"y"), format=form))
    assert (target / long / "file").read_bytes() == b"x" * 1000
    assert (target / "kurz").read_bytes() == b"y"


def test_names_that_are_no_utf8_survive(unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember) -> None:
    unpack_to(tar(member("caf\udce9", b"latin"), member("büro", b"utf8"), format=tarfile.GNU_FORMAT))
    assert sorted(os.listdir(os.fsencode(target))) == [b"b\xc3\xbcro", b"caf\xe9"]


def test_links_devices_and_fifos_are_made(unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember) -> None:
    unpack_to(
        tar(
            member("file", b"x"),
            member("hard", type=tarfile.LNKTYPE, link="file"),
            member("soft", type=tarfile.SYMTYPE, link="/etc/passwd", uid=7),
            member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            member("fifo", type=tarfile.FIFOTYPE, mode=0o622),
        )
    )
    assert (target / "hard").stat().st_ino == (target / "file").stat().st_ino
    assert os.readlink(target / "soft") == "/etc/passwd"
    assert (target / "soft").lstat().st_uid == 7
    assert (target / "null").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE((target / "null").stat().st_mode) == 0o666
    assert stat.S_ISFIFO((target / "fifo").stat().st_mode)
    assert stat.S_IMODE((target / "fifo").stat().st_mode) == 0o622


def test_folders_keep_their_time_though_filled_later(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    unpack_to(tar(member(".", type=tarfile.DIRTYPE), member("d", type=tarfile.DIRTYPE), member("d/f", b"x")))
    assert (target / "d").stat().st_mtime == 1_600_000_000
    assert target.stat().st_mtime == 1_600_000_000


def test_capabilities_and_user_attributes_are_kept_but_none_that_steer_the_overlay(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    capability = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # VFS_CAP_REVISION_2, cap_net_raw, effective
    records = {
        "SCHILY.xattr.security.capability": capability.decode("latin-1"),
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.user.note": "hello",
    }
    unpack_to(tar(member("ping", b"x", pax_headers=records)))
    names = os.listxattr(target / "ping")
    assert sorted(names) == ["security.capability", "user.note"]
    assert os.getxattr(target / "ping", "security.capability") == capability


def test_access_control_lists_are_kept_and_nonsense_refused(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    value = access_list(77, 88)
    name = "SCHILY.xattr.system.posix_acl_access"
    unpack_to(tar(member("listed", b"x", pax_headers={name: value.decode("utf-8", "surrogateescape")})))
    assert os.getxattr(target / "listed", "system.posix_acl_access") == value
    assert acl.mapped(value, lambda uid, gid: (uid + 1000, gid + 2000)) == access_list(1077, 2088)
    with pytest.raises(ImageError, match="can't be made"):
        unpack_to(tar(member("other", b"x", pax_headers={name: "\2\0\0\0nonsense"})))


def test_the_last_of_several_entries_wins(unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember) -> None:
    unpack_to(
        tar(
            member("a", b"first"),
            member("a", b"second"),
            member("b/inner", b"x"),
            member("b", b"now a file"),
            member("c", b"file"),
            member("c", type=tarfile.DIRTYPE),
            member("c/inner", b"in a folder"),
        )
    )
    assert (target / "a").read_bytes() == b"second"
    assert (target / "b").read_bytes() == b"now a file"
    assert (target / "c/inner").read_bytes() == b"in a folder"


def test_a_folder_named_twice_keeps_what_it_holds(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    unpack_to(tar(member("d/f", b"x"), member("d", type=tarfile.DIRTYPE, mode=0o700)))
    assert (target / "d/f").read_bytes() == b"x"
    assert stat.S_IMODE((target / "d").stat().st_mode) == 0o700


def test_a_hard_link_to_itself_is_harmless(unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember) -> None:
    unpack_to(tar(member("f", b"x"), member("f", type=tarfile.LNKTYPE, link="f")))
    assert (target / "f").read_bytes() == b"x"


def test_links_inside_the_layer_are_followed_inside_it(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    unpack_to(
        tar(member("bin", type=tarfile.SYMTYPE, link="usr/bin"), member("usr/bin/a", b"a"), member("bin/b", b"b"))
    )
    assert (target / "usr/bin/b").read_bytes() == b"b"


def test_whiteouts_become_the_overlays_own(unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember) -> None:
    unpack_to(tar(member("etc/.wh.gone"), member("opt/.wh..wh..opq"), member("opt/new", b"x"), member(".wh..wh.plnk")))
    assert stat.S_ISCHR((target / "etc/gone").stat().st_mode)
    assert (target / "etc/gone").stat().st_rdev == 0
    assert os.getxattr(target / "opt", OPAQUE) == os.getxattr(target / "opt", USER_OPAQUE_XATTR) == b"y"
    assert (target / "opt/new").read_bytes() == b"x"
    assert sorted(os.listdir(target)) == ["etc", "opt"]


@pytest.mark.parametrize("whiteout_first", [True, False])
def test_a_whiteout_hides_lower_layers_only(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember, whiteout_first: bool
) -> None:
    both = [member(".wh.d"), member("d/f", b"mine")]
    folder = member("d", type=tarfile.DIRTYPE)
    unpack_to(tar(*([both[0], folder, both[1]] if whiteout_first else [folder, both[1], both[0]])))
    assert (target / "d/f").read_bytes() == b"mine"
    assert os.getxattr(target / "d", OPAQUE) == b"y"


def test_files_of_a_hidden_folder_that_isn_t_named_make_it_anew(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    unpack_to(tar(member("a/.wh.d"), member("a/d/.wh.gone"), member("a/d/e/f", b"mine"), member("a/d/.wh.other")))
    assert (target / "a/d/e/f").read_bytes() == b"mine"
    assert os.getxattr(target / "a/d", OPAQUE) == b"y"
    assert sorted(os.listdir(target / "a/d")) == ["e", "other"]
    assert stat.S_ISCHR((target / "a/d/other").stat().st_mode)


def test_folders_that_are_not_named_are_roots_whatever_the_umask(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember
) -> None:
    """As docker's and podman's layers have them; what a lower layer says of such a folder is hidden there, too."""
    before = os.umask(0o077)
    try:
        unpack_to(tar(member("a/b/file", b"x", uid=7, gid=8, mode=0o600)))
    finally:
        os.umask(before)
    for name in ("a", "a/b"):
        status = (target / name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


# Hostile archives


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file next to the target that no archive may touch."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "victim").write_bytes(b"safe")
    return path


def check_untouched(outside: Path, tmp_path: Path) -> None:
    assert (outside / "victim").read_bytes() == b"safe"
    assert os.listdir(outside) == ["victim"]
    assert sorted(os.listdir(tmp_path)) == ["outside", "target"]
    assert (outside / "victim").stat().st_nlink == 1


@pytest.mark.parametrize("name", ["../outside/victim", "a/../../outside/victim", "a/..", "/../outside/victim"])
def test_names_that_go_up_are_refused(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ImageError, match="leads out"):
        unpack_to(tar(member(name, b"evil")))
    check_untouched(outside, tmp_path)


def test_absolute_names_stay_inside(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path
) -> None:
    unpack_to(tar(member(f"{outside}/victim", b"evil")))
    assert (target / str(outside).lstrip("/") / "victim").read_bytes() == b"evil"
    check_untouched(outside, tmp_path)


@pytest.mark.parametrize("link", ["../outside", "{outside}", "../../../../../../../../{outside}"])
def test_writing_through_a_link_stays_inside(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path, link: str
) -> None:
    there = link.format(outside=outside)
    unpacked = [member("a", type=tarfile.SYMTYPE, link=there), member("a/victim", b"evil")]
    with pytest.raises(ImageError, match="can't be made"):  # dangling, as seen from inside
        unpack_to(tar(*unpacked))
    check_untouched(outside, tmp_path)


def test_a_link_is_replaced_and_not_written_through(
    unpack_to: UnpackTo, target: Path, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path
) -> None:
    unpack_to(tar(member("a", type=tarfile.SYMTYPE, link=f"{outside}/victim"), member("a", b"evil")))
    assert (target / "a").read_bytes() == b"evil"
    assert not (target / "a").is_symlink()
    check_untouched(outside, tmp_path)


def test_a_chain_of_links_longer_than_a_path_leads_nowhere(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path
) -> None:
    """What CVE-2025-4517 did to tarfile: links so long that a check by name gives up, and the kernel doesn't."""
    deep = "/".join(["d" * 247] * 15)
    entries = [member(deep, type=tarfile.DIRTYPE), member("up", type=tarfile.SYMTYPE, link=f"{deep}/" + "../" * 16)]
    entries += [member("out", type=tarfile.SYMTYPE, link="up/outside"), member("out/victim", b"evil")]
    with pytest.raises(ImageError):
        unpack_to(tar(*entries))
    check_untouched(outside, tmp_path)


@pytest.mark.parametrize("link", ["../outside/victim", "a/../../outside/victim"])
def test_hard_links_that_go_up_are_refused(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path, link: str
) -> None:
    with pytest.raises(ImageError, match="leads out"):
        unpack_to(tar(member("a", b""), member("grab", type=tarfile.LNKTYPE, link=link)))
    check_untouched(outside, tmp_path)


def test_hard_links_to_what_is_outside_find_nothing(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path
) -> None:
    through = member("a", type=tarfile.SYMTYPE, link=str(outside))
    for link in (f"{outside}/victim", "a/victim"):
        with pytest.raises(ImageError, match="can't be made"):
            unpack_to(tar(through, member("grab", type=tarfile.LNKTYPE, link=link)))
    check_untouched(outside, tmp_path)


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh..."])
def test_whiteouts_of_nothing_are_refused(
    unpack_to: UnpackTo, tar: MakeTar, member: MakeMember, outside: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ImageError, match="hides no file"):
        unpack_to(tar(member(name)))
    check_untouched(outside, tmp_path)


def test_a_root_that_is_no_folder_is_refused(unpack_to: UnpackTo, tar: MakeTar, member: MakeMember) -> None:
    with pytest.raises(ImageError, match="its root"):
        unpack_to(tar(member("./", type=tarfile.SYMTYPE, link="/etc")))


def test_more_folders_than_a_path_can_name_are_refused_and_removed(
    target: Path, tar: MakeTar, member: MakeMember
) -> None:
    archive = io.BytesIO(tar(member("/".join("d" * 3000), type=tarfile.DIRTYPE)))
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(ImageError, match="can't be made"):
            unpack(archive, descriptor, limits=Limits(layer_depth=5000))
    finally:
        os.close(descriptor)
        remove_tree(target)  # which others can't
    assert not target.exists()
