"""Figures agree with the kernel's files, and with what programs know they have used."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cgroups import layout
from engine.cgroups.manager import Cgroup, preload
from engine.cgroups.statistics.reader import UsageReader
from engine.cgroups.statistics.usage import MemoryUsage, Usage
from engine.model import ContainerSample, CpuSample, IoSample, Limits, MemorySample
from engine.rates import Reading, compare
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

pytestmark = [pytest.mark.vm, pytest.mark.alone]

MIB = 1 << 20
IS_V2 = layout.detect().version == "v2"
WITHIN = 0.02
LATE_BYTES = 64 * 4096 * (os.cpu_count() or 1)  # memory.stat may lack a batch of pages of each processor
HERE = "print('here', flush=True)"
WAIT = f"{HERE}; sys.stdin.readline()"

Observe = Callable[[str], "Observation"]


class Observation:
    """A program in a cgroup: looked at when it is ready, and when it has done its work.

    Its code says ``here`` when it is ready, waits for a line, works, and prints what it knows of its work.
    """

    def __init__(self, cgroup: Cgroup, child: subprocess.Popen[bytes]) -> None:
        reader = UsageReader(layout.detect(), cgroup.path)
        cgroup.join(child.pid)
        let_go(child)
        assert line_from(child) == b"here"
        self.before = look(reader)
        let_go(child)
        self.told = [float(word) for word in line_from(child).split()]
        self.after = look(reader)
        reader.close()
        self.seconds = (self.after.at_ns - self.before.at_ns) / 1e9
        self.sample = compare("abc", Reading(self.after), Reading(self.before), Limits())

    @property
    def memory(self) -> tuple[MemoryUsage, MemoryUsage]:
        """Before and after."""
        assert self.before.memory is not None and self.after.memory is not None
        return self.before.memory, self.after.memory


def look(reader: UsageReader) -> Usage:
    """A look at which every figure is fresh, however slow."""
    usage = [reader.read() for _ in range(5)][-1]
    assert usage is not None
    return usage


@pytest.fixture
def observe(make: Make, spawn: Spawn) -> Observe:
    def observe_one(code: str) -> Observation:
        return Observation(make(), spawn(code))

    return observe_one


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file of 32 MiB on a block device, written already."""
    number = tmp_path.stat().st_dev
    preload()  # as the launcher does: without it newer kernels don't count on v1
    if not Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").exists():
        pytest.skip(f"{tmp_path} is not on a disk")
    file = tmp_path / "file"
    with file.open("wb") as writer:
        writer.write(os.urandom(MIB) * 32)
        writer.flush()
        os.fsync(writer.fileno())
    return file


def cpu(sample: ContainerSample) -> CpuSample:
    assert sample.cpu is not None
    return sample.cpu


def io(sample: ContainerSample) -> IoSample:
    assert sample.io is not None
    return sample.io


def memory(sample: ContainerSample) -> MemorySample:
    assert sample.memory is not None
    return sample.memory


def about(value: float, slack: float = 0.0) -> object:
    return pytest.approx(value, rel=WITHIN, abs=slack)


def test_a_program_that_burns_processor_time_is_charged_what_it_knows_to_have_used(observe: Observe) -> None:
    seen = observe(f"""
import resource
def used():
    figures = resource.getrusage(resource.RUSAGE_SELF)
    return figures.ru_utime, figures.ru_stime
start, (user, system) = time.process_time(), used()
{WAIT}
while time.process_time() < start + 0.7: pass
zero = os.open("/dev/zero", os.O_RDONLY)
buffer = bytearray(1 << 20)
while time.process_time() < start + 1.2: os.readv(zero, [buffer])
now = used()
print(time.process_time() - start, now[0] - user, now[1] - system, flush=True)
sys.stdin.readline()
""")
    burned, user, system = seen.told
    sample = cpu(seen.sample)
    assert sample.percent is not None and sample.user_percent is not None and sample.system_percent is not None
    assert sample.percent * seen.seconds == about(burned * 100)
    assert (sample.user_percent + sample.system_percent) * seen.seconds == about(burned * 100, slack=2)
    # The kernel divides by ticks, and those of a program aren't those of its cgroup: it ran before it came here.
    assert sample.user_percent * seen.seconds == about(user * 100, slack=burned * 10)
    assert sample.system_percent * seen.seconds == about(system * 100, slack=burned * 10)


def test_memory_that_a_program_touches_is_charged_to_it(observe: Observe) -> None:
    seen = observe(f"""
import mmap
held = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
held.madvise(mmap.MADV_NOHUGEPAGE)
{WAIT}
for at in range(0, len(held), 4096): held[at] = 1
print(len(held), len(held) // 4096, flush=True)
sys.stdin.readline()
""")
    before, after = seen.memory
    touched, pages = seen.told
    assert after.anonymous_bytes - before.anonymous_bytes == about(touched)
    assert after.current_bytes - before.current_bytes == about(touched)
    assert after.working_set_bytes - before.working_set_bytes == about(touched)
    assert after.faults - before.faults == about(pages)
    faults = memory(seen.sample).faults_per_second
    assert faults is not None
    assert faults * seen.seconds == about(pages)
    assert after.peak_bytes is None or after.peak_bytes >= after.current_bytes * (1 - WITHIN)


def test_a_file_that_a_program_has_read_is_no_part_of_its_working_set(observe: Observe, disk: Path) -> None:
    seen = observe(f"""
file = os.open("{disk}", os.O_RDONLY)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
{WAIT}
total = 0
while part := os.read(file, 1 << 18): total += len(part)
print(total, flush=True)
sys.stdin.readline()
""")
    before, after = seen.memory
    (size,) = seen.told
    assert after.file_bytes - before.file_bytes == about(size, slack=size * WITHIN + LATE_BYTES)
    assert after.kernel_bytes is not None and before.kernel_bytes is not None
    with_notes = size + after.kernel_bytes - before.kernel_bytes  # a buffer head for each page
    assert after.current_bytes - before.current_bytes == about(with_notes, slack=size * WITHIN + LATE_BYTES)
    assert abs(after.working_set_bytes - before.working_set_bytes) < size * 0.1
    assert io(seen.sample).read_bytes == about(size)


def test_direct_reads_and_writes_are_charged_with_bytes_and_operations(observe: Observe, disk: Path) -> None:
    seen = observe(f"""
import mmap
page = mmap.mmap(-1, 1 << 16)
file = os.open("{disk}", os.O_RDWR | os.O_DIRECT)
{WAIT}
for _ in range(100): os.write(file, page)
os.lseek(file, 0, os.SEEK_SET)
for _ in range(60): os.readv(file, [page])
print(100 << 16, 60 << 16, flush=True)
sys.stdin.readline()
""")
    written, read = seen.told
    sample = io(seen.sample)
    rates = (
        sample.read_bytes_per_second,
        sample.written_bytes_per_second,
        sample.reads_per_second,
        sample.writes_per_second,
    )
    sums = [rate * seen.seconds for rate in rates if rate is not None]
    assert sums == [about(read), about(written), about(60), about(100)]
    number = disk.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
    assert {device.name for device in sample.devices if device.writes} <= {name.name, name.parent.name}


def test_figures_are_those_of_the_kernels_files_at_the_same_time(make: Make, spawn: Spawn) -> None:
    cgroup = make()
    child = spawn(f"held = bytearray(b'x' * (20 << 20)); threads = os.fork(); {HERE}; time.sleep(100)")
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"here"
    assert line_from(child) == b"here"
    reader = UsageReader(layout.detect(), cgroup.path)
    while True:  # until nothing moves any more while both look
        before, usage, after = kernel_figures(cgroup), look(reader), kernel_figures(cgroup)
        if before == after:
            break
    reader.close()
    assert our_figures(usage) == after


def our_figures(usage: Usage) -> dict[str, int | None]:
    assert usage.cpu and usage.memory and usage.pids
    return {
        "cpu": usage.cpu.usage_usec,
        "user": usage.cpu.user_usec,
        "system": usage.cpu.system_usec,
        "periods": usage.cpu.periods,
        "current": usage.memory.current_bytes,
        "working set": usage.memory.working_set_bytes,
        "anonymous": usage.memory.anonymous_bytes,
        "file": usage.memory.file_bytes,
        "peak": usage.memory.peak_bytes,
        "faults": usage.memory.faults,
        "major faults": usage.memory.major_faults,
        "limit hits": usage.memory.limit_hits,
        "oom kills": usage.memory.oom_kills,
        "pids": usage.pids.current,
        "forks": usage.pids.limit_hits,
    }


def kernel_figures(cgroup: Cgroup) -> dict[str, int | None]:
    """The same, from files read and taken apart another way."""
    return figures_v2(cgroup.folders[0]) if IS_V2 else figures_v1(cgroup)


def figures_v2(folder: str) -> dict[str, int | None]:
    cpu_stat, stat, events = (table(f"{folder}/{file}") for file in ("cpu.stat", "memory.stat", "memory.events"))
    current = int(Path(f"{folder}/memory.current").read_text())
    peak = Path(f"{folder}/memory.peak")
    return {
        "cpu": cpu_stat["usage_usec"],
        "user": cpu_stat["user_usec"],
        "system": cpu_stat["system_usec"],
        "periods": cpu_stat["nr_periods"],
        "current": current,
        "working set": current - stat["inactive_file"],
        "anonymous": stat["anon"],
        "file": stat["file"],
        "peak": int(peak.read_text()) if peak.exists() else None,
        "faults": stat["pgfault"],
        "major faults": stat["pgmajfault"],
        "limit hits": events["max"],
        "oom kills": events["oom_kill"],
        "pids": int(Path(f"{folder}/pids.current").read_text()),
        "forks": table(f"{folder}/pids.events")["max"],
    }


def figures_v1(cgroup: Cgroup) -> dict[str, int | None]:
    def path(controller: str, file: str) -> Path:
        tops = (top.point for top in layout.detect().hierarchies if controller in top.controllers)
        return Path(f"{next(tops)}{cgroup.path}/{file}")

    times, stat = table(path("cpuacct", "cpuacct.stat")), table(path("memory", "memory.stat"))
    current = int(path("memory", "memory.usage_in_bytes").read_text())
    tick_usec = 1_000_000 // os.sysconf("SC_CLK_TCK")
    return {
        "cpu": int(path("cpuacct", "cpuacct.usage").read_text()) // 1000,
        "user": times["user"] * tick_usec,
        "system": times["system"] * tick_usec,
        "periods": table(path("cpu", "cpu.stat"))["nr_periods"],
        "current": current,
        "working set": current - stat["total_inactive_file"],
        "anonymous": stat["total_rss"],
        "file": stat["total_cache"],
        "peak": int(path("memory", "memory.max_usage_in_bytes").read_text()),
        "faults": stat["total_pgfault"],
        "major faults": stat["total_pgmajfault"],
        "limit hits": int(path("memory", "memory.failcnt").read_text()),
        "oom kills": table(path("memory", "memory.oom_control"))["oom_kill"],
        "pids": int(path("pids", "pids.current").read_text()),
        "forks": table(path("pids", "pids.events"))["max"],
    }


def table(path: str | Path) -> dict[str, int]:
    lines = Path(path).read_text().splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines}
