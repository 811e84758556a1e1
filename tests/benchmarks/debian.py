"""A Debian image as the benchmark of pulling wants it: the same files in one layer, or in several."""

from __future__ import annotations

import gzip
import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.command_line import CHECKOUT
from tests.engine.images.conftest import Layout

_KEPT = CHECKOUT / "build" / "bench" / "debian.tar"
_SUITE = "bookworm"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*")
_LEVEL = 6  # as image builders have it


def debian_tar() -> Path | None:
    """A root file system of Debian with Perl and Python, about 150 MB; made once. None without mmdebstrap."""
    if not _KEPT.exists():
        if shutil.which("mmdebstrap") is None:
            return None
        _KEPT.parent.mkdir(parents=True, exist_ok=True)
        aside = _KEPT.with_suffix(".part.tar")
        flags = ["--quiet", "--variant=minbase", "--include=perl,python3-minimal"]
        flags += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        subprocess.run(["mmdebstrap", *flags, _SUITE, str(aside)], check=True, timeout=900)
        aside.rename(_KEPT)
    return _KEPT


def split(tar: Path, count: int) -> Iterator[bytes]:
    """The archive as so many of about the same size, each with the folders that its files are in."""
    with tarfile.open(tar) as archive:
        members = archive.getmembers()
        by_name = {member.name: member for member in members}
        number_of = _numbers(members, count)
        for number in range(count):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as part:
                there: set[str] = set()
                for member in members:
                    if number_of[member.name] == number:
                        _add_folders(part, member.name, by_name, there)
                        if member.name not in there:
                            there.add(member.name)
                            part.addfile(member, archive.extractfile(member) if member.isreg() else None)
            yield buffer.getvalue()


def count(tar: Path) -> int:
    """The entries of an archive."""
    with tarfile.open(tar) as archive:
        return len(archive.getmembers())


def repeated(tar: Path, copies: int) -> bytes:
    """So many copies of what an archive has, in folders beside each other."""
    buffer = io.BytesIO()
    with tarfile.open(tar) as archive, tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as large:
        for number in range(copies):
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isreg() else None
                link = f"{number}/{member.linkname}" if member.islnk() else member.linkname
                large.addfile(member.replace(name=f"{number}/{member.name}", linkname=link), content)
    return buffer.getvalue()


def _numbers(members: list[tarfile.TarInfo], count: int) -> dict[str, int]:
    """Which part each member goes to; a hard link to that of its file."""
    total = sum(_weight(member) for member in members)
    numbers: dict[str, int] = {}
    done = 0
    for member in members:
        numbers[member.name] = numbers[member.linkname] if member.islnk() else min(done * count // total, count - 1)
        done += _weight(member)
    return numbers


def _weight(member: tarfile.TarInfo) -> int:
    return member.size + 4096  # a small file takes time, too


def _add_folders(part: tarfile.TarFile, name: str, by_name: dict[str, tarfile.TarInfo], there: set[str]) -> None:
    steps = name.split("/")
    for depth in range(1, len(steps)):
        folder = "/".join(steps[:depth])
        if folder not in there and folder in by_name:
            there.add(folder)
            part.addfile(by_name[folder])


def push(layers: list[bytes], reference: str, folder: Path, level: int = _LEVEL) -> None:
    """Make an image of plain tars, compress them, and bring it into a registry.

    Args:
        folder: for the image's layout; it isn't there yet.
        level: of gzip.
    """
    layout = Layout(folder)
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in layers]},
    }
    blobs = [gzip.compress(tar, level, mtime=0) for tar in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.document(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layout.blob(blob), "size": len(blob)}
            for blob in blobs
        ],
    }
    layout.finish(layout.document(manifest, "application/vnd.oci.image.manifest.v1+json"))
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{folder}"]
    subprocess.run([*command, f"docker://{reference}"], check=True)
