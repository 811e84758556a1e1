"""A root file system with one of everything that an archive can hold, and what makes two trees the same."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
from pathlib import Path
from typing import Any

Tree = dict[bytes, dict[str, Any]]

_CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # linux/capability.h: revision 2, cap_net_raw
_SECOND = 1_000_000_000
_FILES = (
    "etc/kept",
    "etc/listed",
    "etc/changed",
    "etc/gone",
    "opt/gone/deep/file",
    "opt/replaced/old",
    "opt/folder-to-file/x",
)
_ODD_NAMES = (" space", "with\nnewline", "-rf", "*", "\\back", "b\u00fcro", "e\u0301", "a" * 255, ".hidden", "tab\t")


def describe(root: Path) -> Tree:
    """Everything about all files below a folder but its own time: by name, as far as archives carry it.

    Hard links are told by the first of their names. Times are whole seconds, which is all that some tools write.
    """
    found: Tree = {}
    first: dict[tuple[int, int], bytes] = {}
    top = os.fsencode(root)
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = _node(path, first, top)
    return {name: found[name] for name in sorted(found)}


def _node(path: bytes, first: dict[tuple[int, int], bytes], top: bytes) -> dict[str, Any]:
    status = os.lstat(path)
    node: dict[str, Any] = {
        "type": stat.S_IFMT(status.st_mode),
        "owner": (status.st_uid, status.st_gid),
        "time": status.st_mtime_ns // _SECOND,
    }
    if stat.S_ISLNK(status.st_mode):
        return {**node, "link": os.readlink(path)}
    node["mode"] = stat.S_IMODE(status.st_mode)
    node["attributes"] = {
        name: os.getxattr(path, name)
        for name in os.listxattr(path)
        if name == "security.capability" or name.startswith(("user.", "system.posix_acl_"))
        if not name.startswith("user.overlay.")  # what a layer of ours says to overlays that others mount
    }
    if stat.S_ISREG(status.st_mode):
        node["content"] = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
        node["first"] = first.setdefault((status.st_dev, status.st_ino), os.path.relpath(path, top))
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        node["device"] = status.st_rdev
    return node


def differences(expected: Tree, found: Tree) -> list[str]:
    """What isn't the same, a line each."""
    lines = [f"{name!r} is missing" for name in expected.keys() - found.keys()]
    lines += [f"{name!r} is there" for name in found.keys() - expected.keys()]
    for name in expected.keys() & found.keys():
        for key in expected[name].keys() | found[name].keys():
            if expected[name].get(key) != found[name].get(key):
                lines.append(f"{name!r}: {key} {expected[name].get(key)!r}, found {found[name].get(key)!r}")
    return sorted(lines)


def plant(root: Path) -> None:
    """The lower layer's files."""
    for folder in ("bin", "etc", "opt/gone/deep", "opt/replaced", "opt/folder-to-file", "tmp", "var/empty", "dev"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/empty").chmod(0o000)
    for name in _FILES:
        (root / name).write_text(name)
    (root / "opt/file-to-folder").write_text("a file")
    (root / "bin/su").write_bytes(b"\x7fELF" + bytes(range(256)) * 40)
    (root / "bin/su").chmod(0o4755)
    (root / "bin/wall").write_bytes(b"group")
    (root / "bin/wall").chmod(0o2755)
    (root / "bin/ping").write_bytes(b"capable")
    os.setxattr(root / "bin/ping", "security.capability", _CAPABILITY)
    os.link(root / "bin/su", root / "bin/sudo")
    os.link(root / "bin/su", root / "etc/also-su")
    os.setxattr(root / "etc/kept", "user.note", b"binary \x00 and \xff")
    os.setxattr(root / "etc", "user.folder", b"yes")
    (root / "etc/empty").touch()
    _plant_links_and_nodes(root)
    _plant_odd_names(root)
    _own(root)


def access_list(user: int, group: int, owner: int = 6) -> bytes:
    """For the file's own, a further user, a further group and all others (linux/posix_acl_xattr.h, version 2)."""
    nobody = 0xFFFFFFFF
    entries = ((1, owner, nobody), (2, 6, user), (4, 4, nobody), (8, 4, group), (16, 6, nobody), (32, 0, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _plant_links_and_nodes(root: Path) -> None:
    os.symlink("su", root / "bin/relative")
    os.symlink("/etc/kept", root / "bin/absolute")
    os.symlink("../../../../../../etc/passwd", root / "bin/upwards")
    os.symlink("nothing at all", root / "bin/dangling")
    os.symlink("x" * 200, root / "bin/long-target")
    os.mkfifo(root / "dev/fifo", 0o640)
    os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(root / "dev/disk", 0o660 | stat.S_IFBLK, os.makedev(259, 1048575))
    (root / "dev/null").chmod(0o666)
    with (root / "etc/sparse").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"in the middle")
        file.truncate(3 << 20)


def _plant_odd_names(root: Path) -> None:
    odd = root / "odd"
    odd.mkdir()
    for name in _ODD_NAMES:
        (odd / name).write_text(name)
    deep = odd / "/".join(["d" * 60] * 6)
    deep.mkdir(parents=True)
    (deep / ("f" * 120)).write_text("deep")


def _own(root: Path) -> None:
    os.lchown(root / "bin/dangling", 7, 8)
    os.chown(root / "etc/kept", 1234, 5678)
    os.chown(root / "opt/replaced", 1000, 1001)
    os.chown(root / "etc/empty", 2_000_000, 2_097_152)  # more than seven octal digits can say
    os.chown(root / "bin/wall", 0, 5)
    (root / "bin/wall").chmod(0o2755)
    os.setxattr(root / "etc/listed", "system.posix_acl_access", access_list(77, 88))
    os.setxattr(root / "opt", "system.posix_acl_default", access_list(77, 88))
    os.utime(root / "etc/kept", ns=(0, 86_400 * _SECOND))
    os.utime(root / "etc/changed", ns=(0, 1_600_000_000_123_456_789))
    os.utime(root / "bin/relative", ns=(0, 1_500_000_000 * _SECOND), follow_symlinks=False)
    os.utime(root / "etc/empty", ns=(0, 8_600_000_000 * _SECOND))  # beyond what eleven octal digits can say
    os.utime(root / "var/empty", ns=(0, 1_234_567_890 * _SECOND))


def change(root: Path) -> None:
    """What the upper layer does to them."""
    (root / "etc/changed").write_text("changed")
    (root / "etc/gone").unlink()
    (root / "etc/new").write_text("new")
    (root / "opt/gone/deep/file").unlink()
    (root / "opt/gone/deep").rmdir()
    (root / "opt/gone").rmdir()
    (root / "opt/replaced/old").unlink()
    (root / "opt/replaced").rmdir()
    (root / "opt/replaced").mkdir()
    (root / "opt/replaced/new").write_text("another folder")
    (root / "opt/folder-to-file/x").unlink()
    (root / "opt/folder-to-file").rmdir()
    (root / "opt/folder-to-file").write_text("now a file")
    (root / "opt/file-to-folder").unlink()
    (root / "opt/file-to-folder").mkdir()
    (root / "opt/file-to-folder/inner").write_text("x")
    (root / "bin/wall").chmod(0o700)
    os.chown(root / "bin/absolute", 3, 4, follow_symlinks=False)
    os.setxattr(root / "etc/new", "user.second", b"layer")
    (root / "bin/relative").unlink()
    os.symlink("ping", root / "bin/relative")
    os.utime(root / "etc/new", ns=(0, 1_700_000_000 * _SECOND))
    for number, folder in enumerate((".", "etc", "bin", "opt", "opt/replaced", "opt/file-to-folder")):
        os.utime(root / folder, ns=(0, (1_700_000_100 + number) * _SECOND))


if __name__ == "__main__":
    change(Path(sys.argv[1]))
