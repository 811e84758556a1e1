"""On v1, what is read and written is counted on disks that nobody has limited since the machine was started."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cgroups import io_counting, layout
from engine.cgroups.statistics.reader import UsageReader
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

MACHINE = layout.detect() if os.geteuid() == 0 else None
TOP = next((h.point for h in MACHINE.hierarchies if "blkio" in h.controllers), "") if MACHINE else ""
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81  # linux/loop.h
LOOPS = [disk for disk in Path("/sys/block").iterdir() if disk.name.startswith("loop")]

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not TOP, reason="v2 counts from the beginning")]


@pytest.fixture
def new_disk(tmp_path: Path) -> Iterator[Path]:
    """A loop device, made anew, so that nobody can have limited it."""
    file = tmp_path / "disk"
    with file.open("wb") as empty:
        empty.truncate(16 << 20)
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    number = fcntl.ioctl(control, LOOP_CTL_ADD, max([int(disk.name[4:]) for disk in LOOPS], default=0) + 1)
    device = Path(f"/dev/loop{number}")
    subprocess.run(["losetup", device, file], check=True)
    yield device
    subprocess.run(["losetup", "-d", device], check=True)
    fcntl.ioctl(control, LOOP_CTL_REMOVE, number)
    os.close(control)


def test_a_disk_that_nobody_has_limited_counts_once_that_was_asked_for(
    new_disk: Path, make: Make, spawn: Spawn
) -> None:
    number = Path(f"/sys/block/{new_disk.name}/dev").read_text().strip()
    io_counting.begin(TOP, [number])
    child = spawn(f"""
import mmap
file = os.open("{new_disk}", os.O_RDWR | os.O_DIRECT)
for _ in range(32): os.write(file, mmap.mmap(-1, 1 << 16))
print("done", flush=True)
sys.stdin.readline()
""")
    cgroup = make()
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"done"
    assert MACHINE is not None
    reader = UsageReader(MACHINE, cgroup.path)
    usage = reader.read()
    reader.close()
    assert usage is not None and usage.io is not None
    assert {device.device: device.written_bytes for device in usage.io.devices} == {number: 2 << 20}
    assert not os.path.exists(f"{TOP}/boxdeck-io")


def test_disks_that_count_already_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    io_counting.begin(TOP)
    monkeypatch.setattr(os, "makedirs", lambda *_, **__: pytest.fail("once is enough"))
    io_counting.begin(TOP)
