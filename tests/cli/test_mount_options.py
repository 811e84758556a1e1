"""Options of ``-v``, ``--mount`` and ``--tmpfs``, one by one, as the kernel has them in one container."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine

# What is given, and what /proc/self/mountinfo says of it: access, and below it; {src} is a folder with a mount below.
CASES = {
    "plain": (("-v", "{src}:{dst}"), "rw", "rw"),
    "ro": (("-v", "{src}:{dst}:ro"), "ro", "ro"),
    "rw": (("-v", "{src}:{dst}:rw,z"), "rw", "rw"),
    "flags": (("-v", "{src}:{dst}:Z,noexec,nosuid,nodev"), "rw,nosuid,nodev,noexec", "rw"),
    "bind": (("-v", "{src}:{dst}:bind,cached"), "rw", ""),
    "mount": (("--mount", "type=bind,source={src},target={dst}"), "rw", "rw"),
    "readonly": (("--mount", "type=bind,src={src},dst={dst},readonly"), "ro", "ro"),
    "below": (("--mount", "type=bind,src={src},dst={dst},ro,bind-recursive=readonly"), "ro", "ro"),
    "writable": (("--mount", "type=bind,src={src},dst={dst},ro,bind-recursive=writable"), "ro", "rw"),
    "disabled": (("--mount", "type=bind,src={src},dst={dst},bind-recursive=disabled"), "rw", ""),
    "single": (("--mount", "type=bind,src={src},dst={dst},bind-nonrecursive"), "rw", ""),
    "volume": (("-v", "mine:{dst}"), "rw", ""),
    "volume-ro": (("-v", "mine:{dst}:ro,nocopy"), "ro", ""),
    "sub": (("--mount", "src=mine,dst={dst},volume-subpath=sub,readonly,volume-driver=local"), "ro", ""),
    "tmpfs": (("--mount", "type=tmpfs,dst={dst},tmpfs-size=64k,tmpfs-mode=1700"), "rw,nosuid,nodev,noexec", ""),
    "tmpfs-ro": (("--mount", "type=tmpfs,dst={dst},readonly"), "ro,nosuid,nodev,noexec", ""),
    "t": (("--tmpfs", "{dst}:exec,size=8k,mode=0750"), "rw,nosuid,nodev", ""),
}
FOLLOWING, ALONE = ("slave", "rslave", "shared", "rshared"), ("private", "rprivate")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """A shared mount with another below it."""
    top = tmp_path / "source"
    top.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", top], check=True)
    try:
        subprocess.run(["mount", "--make-shared", top], check=True)
        (top / "inner").mkdir()
        (top / "later").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", top / "inner"], check=True)
        yield top
    finally:
        subprocess.run(["umount", "--recursive", top], check=True)


def mountinfo(boxdeck: CommandLine, name: str) -> dict[str, list[str]]:
    """The fields of each mount of a container, by its place."""
    lines = boxdeck.ok("exec", name, "cat", "/proc/self/mountinfo").splitlines()
    return {fields[4]: fields for fields in map(str.split, lines)}


def attributes(fields: list[str] | None) -> str:
    """Without times of access, which are the host's, and what is mapped."""
    return ",".join(word for word in fields[5].split(",") if word not in ("relatime", "idmapped")) if fields else ""


def test_every_option_is_in_force(boxdeck: CommandLine, source: Path) -> None:
    boxdeck.ok("run", "--rm", "-v", "mine:/v", "base", "mkdir", "/v/sub")
    words = [word.format(src=source, dst=f"/m/{name}") for name, (options, *_) in CASES.items() for word in options]
    boxdeck.ok("run", "-d", "--name", "mounted", *words, "base", "sleep", "1000")
    found = mountinfo(boxdeck, "mounted")
    shown = {name: (attributes(found.get(f"/m/{name}")), attributes(found.get(f"/m/{name}/inner"))) for name in CASES}
    assert shown == {name: (own, below) for name, (_, own, below) in CASES.items()}
    assert found["/m/sub"][3].endswith("/mine/_data/sub")
    sizes = {name: found[f"/m/{name}"][-1].split(",") for name in ("tmpfs", "t")}
    assert {"size=64k", "mode=1700"} <= {*sizes["tmpfs"]} and {"size=8k", "mode=750"} <= {*sizes["t"]}
    boxdeck.ok("rm", "-f", "mounted")
    boxdeck.ok("volume", "rm", "mine")


def test_mounts_that_come_later_are_seen_as_the_propagation_has_it(boxdeck: CommandLine, source: Path) -> None:
    words = [word for kind in FOLLOWING + ALONE for word in ("-v", f"{source}:/m/{kind}:{kind}")]
    boxdeck.ok("run", "-d", "--name", "mounted", *words, "base", "sleep", "1000")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source / "later"], check=True)
    found = mountinfo(boxdeck, "mounted")
    assert tuple(kind for kind in FOLLOWING + ALONE if f"/m/{kind}/later" in found) == FOLLOWING
