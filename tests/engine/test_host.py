"""The machine's own totals, beside what the kernel's files and other counters say of the same machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from engine import disks, host
from engine.cgroups.statistics.files import KernelFile
from engine.disks import DiskReader
from engine.host import HostReader
from engine.model import HostSample
from engine.network.links import LinkStatistics

pytestmark = [pytest.mark.vm, pytest.mark.alone]

MIB = 1 << 20


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_the_first_look_has_levels_and_no_rates() -> None:
    sample = HostReader().read({})
    memory = psutil.virtual_memory()
    assert sample.memory_total_bytes == memory.total
    assert sample.memory_used_bytes == pytest.approx(memory.total - memory.available, abs=64 * MIB)
    assert (sample.swap_total_bytes, sample.processors) == (psutil.swap_memory().total, os.cpu_count())
    assert sample.load_1 == pytest.approx(os.getloadavg()[0], abs=0.5)
    assert sample.cpu_percent is None
    assert sample.disk_read_bytes_per_second is None and sample.network_sent_bytes_per_second is None


def test_a_processor_that_works_is_seen_to() -> None:
    reader = HostReader()
    before = psutil.cpu_times()
    reader.read({})
    burn(0.5)
    percent, after = reader.read({}).cpu_percent, psutil.cpu_times()
    # What the kernel has counted, which where a machine is emulated beside others isn't all that was used.
    idle = after.idle - before.idle + after.iowait - before.iowait
    busy = after.user - before.user + after.nice - before.nice + after.system - before.system
    busy += after.irq - before.irq + after.softirq - before.softirq + after.steal - before.steal
    assert percent is not None and percent == pytest.approx(100 * busy / (busy + idle), abs=10)
    assert percent > 5 / (os.cpu_count() or 1)


def test_pressure_is_the_kernels() -> None:
    if not os.path.exists("/proc/pressure/memory"):
        pytest.skip("this kernel has no pressure figures")
    sample = HostReader().read({})
    for resource, pressure in (("memory", sample.memory_pressure), ("io", sample.io_pressure)):
        assert pressure is not None and pressure.full is not None
        total = int(Path(f"/proc/pressure/{resource}").read_text().splitlines()[0].partition("total=")[2])
        assert pressure.some.total_usec == pytest.approx(total, abs=1_000_000)


def test_a_kernel_without_pressure_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "KernelFile", lambda path: KernelFile(path.replace("/proc/pressure/", "/proc/none/")))
    sample = HostReader().read({})
    assert (sample.cpu_pressure, sample.memory_pressure, sample.io_pressure) == (None, None, None)


def link(received: int, sent: int) -> LinkStatistics:
    return LinkStatistics(rx_bytes=received, tx_bytes=sent)


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        clock = SimpleNamespace(monotonic=lambda: self.now, monotonic_ns=lambda: round(self.now * 1e9))
        monkeypatch.setattr(host, "time", clock)
        monkeypatch.setattr(disks, "time", clock)


def rates(sample: HostSample) -> tuple[float | None, float | None]:
    return sample.network_received_bytes_per_second, sample.network_sent_bytes_per_second


def test_traffic_is_summed_over_devices_that_were_there_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reader = Clock(monkeypatch), HostReader()
    assert rates(reader.read({1: link(100, 10), 2: link(0, 0)})) == (None, None)
    clock.now += 2
    assert rates(reader.read({1: link(300, 10), 2: link(0, 50), 3: link(10**9, 10**9)})) == (100.0, 25.0)
    clock.now += 2
    assert rates(reader.read({1: link(300, 10), 3: link(10**9 + 4, 10**9)})) == (2.0, 0.0)


def test_a_counter_that_goes_backwards_has_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reader = Clock(monkeypatch), HostReader()
    reader.read({1: link(100, 10)})
    clock.now += 1
    assert rates(reader.read({1: link(5, 20)})) == (None, 10.0)
    clock.now += 0.4
    assert rates(reader.read({1: link(7, 30)})) == (None, 10.0)  # what was measured a moment ago
    clock.now += 1
    assert rates(reader.read(None)) == (None, None)
    clock.now += 1
    assert rates(reader.read({1: link(50, 20)})) == (None, None)


class Disks:
    """A machine's block devices: files as the kernel has them in /sys/block, and the names that psutil finds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        monkeypatch.setattr(disks, "_FOLDER", str(folder))
        monkeypatch.setattr(psutil, "disk_io_counters", lambda perdisk, nowrap: dict.fromkeys((*self.names, "sda1")))
        self.names: tuple[str, ...] = ()

    def count(self, amount: int, *names: str) -> None:
        """Have each of them have read so many bytes, and written twice as many."""
        self.names = names
        sectors = amount // 512
        for name in names:
            (self._folder / name).mkdir(exist_ok=True)
            (self._folder / name / "stat").write_text(f"  1 0 {sectors} 4  1 0 {2 * sectors} 4  0 8 8 0 0 0 0 0 0\n")


@pytest.fixture
def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disks]:
    disks._is_real.cache_clear()
    yield Disks(tmp_path, monkeypatch)
    disks._is_real.cache_clear()


def test_disks_are_counted_once(block: Disks, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("sda", "nvme0n1", "dm-0", "loop3", "md127", "zram0")  # and a partition, sda1
    clock, reader = Clock(monkeypatch), HostReader()
    block.count(1 << 20, *names)
    assert reader.read({}).disk_read_bytes_per_second is None
    clock.now += 0.25
    block.count(2 << 20, *names)
    sample = reader.read({})
    assert (sample.disk_read_bytes_per_second, sample.disk_written_bytes_per_second) == (8 * MIB, 16 * MIB)
    reader.close()


def test_a_disk_that_is_plugged_in_is_seen_and_one_that_is_pulled_out_counts_no_more(
    block: Disks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, reader = Clock(monkeypatch), DiskReader()
    block.count(1 << 20, "sda")
    assert reader.read() == {"sda": (1 << 20, 2 << 20)}
    block.count(3 << 20, "sda", "sdb")
    assert reader.read() == {"sda": (3 << 20, 6 << 20)}
    clock.now += 30
    assert reader.read() == {"sda": (3 << 20, 6 << 20), "sdb": (3 << 20, 6 << 20)}
    block.names = ("sdb",)
    clock.now += 30
    assert reader.read() == {"sdb": (3 << 20, 6 << 20)}
    reader.close()


def test_disks_are_those_that_psutil_counts() -> None:
    reader, of_all = DiskReader(), psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    found = reader.read() or {}
    reader.close()
    whole = {name for name in of_all if os.path.exists(f"/sys/block/{name}/device")}  # hardware, or what plays it
    assert whole - {name for name in whole if name.startswith(("sr", "fd"))} == set(found)
    for name, (read, written) in found.items():
        assert of_all[name].read_bytes == pytest.approx(read, abs=64 * MIB)
        assert of_all[name].write_bytes == pytest.approx(written, abs=64 * MIB)


def test_a_direct_write_is_seen(tmp_path: Path) -> None:
    with closing(DiskReader()) as disk_reader:
        if disk_reader.read() is None or os.stat(tmp_path).st_dev in _in_memory():
            pytest.skip("files aren't on a disk of this machine")
    reader = HostReader()
    reader.read({})
    with (tmp_path / "file").open("wb") as file:
        file.write(bytes(8 * MIB))
        os.fsync(file.fileno())
    written = reader.read({}).disk_written_bytes_per_second
    assert written is not None and written > 0


def _in_memory() -> set[int]:
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [line[1] for line in lines if line[2] in ("tmpfs", "rootfs", "ramfs") and os.path.exists(line[1])]
    return {os.stat(place).st_dev for place in places}


def test_closing_leaves_no_file_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    reader = HostReader()
    reader.read({})
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before
