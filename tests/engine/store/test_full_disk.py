"""A disk without a byte left: everything stays readable and removable."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store.database import Database
from engine.store.reserve import RESERVE_BYTES
from tests.command_line import CommandLine
from tests.conftest import needs_root

NOISE = 4000
_WRITER = "while :; do echo line; sleep 0.05; done"


class SmallDisk:
    """A file system of 120 MB that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room, whatever was free."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 512):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        """Have room again."""
        self._filler.unlink(missing_ok=True)


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=120m", "boxdeck-test", str(folder)]
    else:
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("mkfs.ext4 isn't installed: apt-get install e2fsprogs")
        image = tmp_path / "image"
        image.touch()
        os.truncate(image, 120_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"{request.param} can't be mounted here: {mounted.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def test_everything_can_be_looked_at_and_removed(disk: SmallDisk, tmp_path: Path) -> None:
    boxdeck = CommandLine(disk.folder, tmp_path / "run")

    def on_a_full_disk(*words: str) -> str:
        disk.fill()
        return boxdeck.ok(*words)

    try:
        boxdeck.ok("run", "-d", "--name", "writer", "base", "sh", "-c", _WRITER)
        boxdeck.ok("run", "-d", "--name", "sleeper", "-v", "data:/data", "base", "sleep", "1000")
        boxdeck.ok("create", "--name", "cold", "base", "true")
        assert on_a_full_disk("ps", "-a", "--format", "{{.Names}}").split() == ["cold", "sleeper", "writer"]
        assert on_a_full_disk("inspect", "--format", "{{.Name}}", "writer") == "/writer"
        assert on_a_full_disk("logs", "--tail", "1", "writer") == "line"
        assert on_a_full_disk("images", "-q") and on_a_full_disk("volume", "ls", "-q") == "data"
        assert on_a_full_disk("system", "check") == ""
        assert on_a_full_disk("exec", "sleeper", "echo", "alive") == "alive"
        assert on_a_full_disk("stop", "-t", "0", "writer") == "writer"
        assert on_a_full_disk("rm", "writer") == "writer"
        assert on_a_full_disk("rm", "-f", "sleeper") == "sleeper"
        assert on_a_full_disk("volume", "rm", "data") == "data"
        assert boxdeck.ok("ps", "-aq", "--no-trunc") in on_a_full_disk("system", "prune", "--force", "--all")
        assert on_a_full_disk("ps", "-aq") == on_a_full_disk("images", "-q") == ""
        disk.empty()
        assert boxdeck.ok("run", "--rm", "base", "echo", "as before") == "as before"
    finally:
        disk.empty()  # what fails above leaves no container on it either
        boxdeck.ok("system", "reset", "--force")
    assert not boxdeck.left_after_reset()


def test_a_store_without_a_reserve_says_that_the_disk_is_full(disk: SmallDisk) -> None:
    path = disk.folder / "boxdeck.db"
    Database(path).close()
    assert (disk.folder / "reserve").stat().st_size == RESERVE_BYTES
    (disk.folder / "reserve").unlink()
    disk.fill()
    try:
        with pytest.raises(StoreError, match="is full: free some space"):
            Database(path)
    finally:
        disk.empty()
    Database(path).close()
    assert (disk.folder / "reserve").stat().st_size == RESERVE_BYTES


def make_noise(database: Database) -> None:
    for number in range(10_000):
        with database.transaction():
            database.record_event("container", "noise", str(number), "x" * NOISE)


def test_a_change_that_finds_no_room_is_not_made_at_all(disk: SmallDisk) -> None:
    database = Database(disk.folder / "boxdeck.db")
    (disk.folder / "reserve").unlink(missing_ok=True)
    disk.fill()
    with pytest.raises(StoreError, match="can't be written"):
        make_noise(database)
    last = database.events_after(database.latest_revision() - 1)
    assert [len(each.name) for each in last] in ([NOISE], [])
    disk.empty()
    with database.transaction():
        database.record_event("container", "last", "", "")
    assert database.events_after(database.latest_revision() - 1)[0].action == "last"
    database.close()
