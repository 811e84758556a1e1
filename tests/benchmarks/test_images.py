"""The benchmark of pulling images: that it prints what the README quotes. Figures are nobody's promise."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.benchmarks.debian import repeated, split
from tests.benchmarks.images_table import Again, Measured, Pull, markdown, text
from tests.command_line import CHECKOUT
from tests.conftest import needs_root

PULLS = {"boxdeck pull": Pull(1.0, 0.9), "podman pull": Pull(2.0, 1.9), "docker pull": Pull(2.5, 2.4)}
MEASURED = Measured(
    rounds=5,
    size_bytes=150_000_000,
    entries=7000,
    pulls={"one layer": PULLS, "eight layers": {"boxdeck pull": Pull(1.0, 0.9)}},
    peak_bytes={"one layer": 40 << 20},
    large_bytes=600_000_000,
    large_peak_bytes=41 << 20,
    again=Again(0.2, ["GET /v2/debian/manifests/1"], True),
)


def test_rows_are_sorted_and_compared_with_the_fastest_other() -> None:
    lines = text(MEASURED).splitlines()
    rows = [re.split(r" {2,}", line) for line in lines if " pull  " in line]
    assert [(row[0], row[2]) for row in rows] == [
        ("boxdeck pull", "0.50"),
        ("podman pull", "1.00"),
        ("docker pull", "1.25"),
        ("boxdeck pull", "-"),
    ]
    assert lines[-2].endswith("40 MiB (one layer), 41 MiB (one layer of 600 MB).")
    assert lines[-1] == "A second pull: 0.20 s, 1 request(s), nothing is unpacked."


def test_the_readmes_form_is_a_table() -> None:
    assert "| `boxdeck pull` | 1.00 | 0.50 |" in markdown(MEASURED).splitlines()


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """Folders with files and a hard link."""
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(40):
            folder = tarfile.TarInfo(f"./{number}")
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
            file = tarfile.TarInfo(f"./{number}/file")
            file.size = 5000
            archive.addfile(file, io.BytesIO(bytes([number]) * 5000))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.LNKTYPE, "./3/file"
        archive.addfile(link)
    return path


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


def test_parts_of_an_archive_have_all_of_it(tar: Path) -> None:
    parts = [names(data) for data in split(tar, 4)]
    assert sorted(name for part in parts for name in part if "file" in name or "link" in name) == sorted(
        [*(f"./{number}/file" for number in range(40)), "./link"]
    )
    assert all(name.rpartition("/")[0] in part for part in parts for name in part if "file" in name)
    assert ["./3/file" in part for part in parts] == ["./link" in part for part in parts]
    assert max(map(len, parts)) < 30


def test_copies_are_beside_each_other(tar: Path) -> None:
    both = names(repeated(tar, 2))
    assert len(both) == 2 * 81 and "1/./link" in both


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_short_run_prints_the_table(tar: Path) -> None:
    """Slow since dockerd is started anew for each of its pulls."""
    for program in ("skopeo", "mkfs.ext4"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            pytest.skip(f"{program} isn't installed: run .ci/setup test bench")
    if not Path("/dev/loop-control").exists():
        pytest.skip("there are no loop devices here")
    argv = [sys.executable, "-m", "tests.benchmarks.images", "1", "--tar", str(tar)]
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert len(re.findall(r"^boxdeck pull +\d+\.\d\d s", ended.stdout, re.MULTILINE)) == 2, ended.stdout
    assert re.search(r"^A second pull: .* 1 request\(s\), nothing is unpacked\.$", ended.stdout, re.MULTILINE)
    assert "Traceback" not in ended.stderr
