"""What docker stats and podman stats say of a container, beside what we read of the same control group."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from engine.cgroups import layout
from engine.cgroups.statistics.reader import UsageReader
from engine.cgroups.statistics.usage import CpuUsage, IoUsage, MemoryUsage, PidsUsage, Usage
from engine.model import Limits
from engine.rates import Reading, compare
from tests.peers.conftest import require
from tests.peers.daemons import Docker
from tests.peers.image import NAME
from tests.peers.podman import Podman
from tests.peers.quarters import Quarters

pytestmark = [pytest.mark.peer, pytest.mark.alone]

WITHIN = 0.02
BURNING_SECONDS = 8
LOOKS = 15  # so many that it doesn't matter how long a line is on its way
# Small enough that a busy machine gives all of it, in periods of which any second has about as many.
QUOTA = ("--cpu-period", "50000", "--cpu-quota", "5000")
LOAD = """
held=0123456789abcdef
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do held=$held$held; done
dd if=/dev/zero of=/held/file bs=1M count=20
dd if=/disk/file of=/dev/null bs=64k iflag=direct
dd if=/dev/zero of=/disk/file bs=64k count=64 conv=notrunc oflag=direct
sleep 1000 &
echo here
while :; do :; done
"""
UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@pytest.fixture(scope="module")
def loaded(quarters: Quarters, tmp_path_factory: pytest.TempPathFactory, boxdeck_oci: str, tiny: Path) -> Podman:
    require("podman", "podman")
    podman = Podman(quarters, tmp_path_factory.mktemp("podman"), boxdeck_oci)
    podman.ok("load", "-i", str(tiny))
    return podman


@pytest.fixture
def podman(loaded: Podman) -> Iterator[Podman]:
    yield loaded
    loaded.ok("rm", "--all", "--force", "--time", "0")


@pytest.fixture
def dockerd(docker: Docker) -> Iterator[Docker]:
    yield docker
    docker("rm", "--force", "one")


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    """How the container with the load is run; its disk is a folder with a file of 8 MiB."""
    number = tmp_path.stat().st_dev
    if not Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").exists():
        pytest.skip(f"{tmp_path} is not on a disk")
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(8 << 20))
        file.flush()
        os.fsync(file.fileno())
    mounts = ("--tmpfs", "/held", "--volume", f"{tmp_path}:/disk")
    return ("-d", "--name", "one", *QUOTA, *mounts, NAME, "sh", "-c", LOAD)


def wait_for_load(logs: Callable[[str, str], str]) -> None:
    deadline = time.monotonic() + 120
    while "here" not in logs("logs", "one").splitlines():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def size(text: str) -> float:
    """Bytes from ``20.24MiB``."""
    number = text.strip().rstrip("BGMKkbi")
    return float(number) * UNITS[text.strip()[len(number) :]]


def sizes(text: str) -> tuple[float, float]:
    """Bytes from ``8.39MB / 4.19MB``."""
    first, _, second = text.partition("/")
    return size(first), size(second)


def parts(usage: Usage | None) -> tuple[CpuUsage, MemoryUsage, IoUsage, PidsUsage]:
    assert usage is not None and usage.cpu and usage.memory and usage.io and usage.pids
    return usage.cpu, usage.memory, usage.io, usage.pids


def percent(now: Usage | None, before: Usage | None) -> float:
    assert now is not None and before is not None
    cpu = compare("abc", Reading(now), Reading(before), Limits()).cpu
    assert cpu is not None and cpu.percent is not None
    return cpu.percent


def check_block_io(io: IoUsage, told: str) -> None:
    ours = sum(device.read_bytes for device in io.devices), sum(device.written_bytes for device in io.devices)
    assert ours == pytest.approx(sizes(told), rel=WITHIN)
    assert ours == pytest.approx((8 << 20, 4 << 20), rel=WITHIN)


class Counted(msgspec.Struct):
    """What dockerd has counted of a container, and when: `docker stats` divides the growth of two of them."""

    total_ns: int
    at: datetime

    @classmethod
    def now(cls, dockerd: Docker, identity: str) -> Counted:
        """Ask once, as Docker Engine API 1.41 has it under ContainerStats."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(dockerd.socket))
            path = f"/v1.41/containers/{identity}/stats?stream=false&one-shot=true"
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        told = json.loads(answer.partition(b"\r\n\r\n")[2])
        return cls(told["cpu_stats"]["cpu_usage"]["total_usage"], datetime.fromisoformat(told["read"][:26] + "+00:00"))


def test_docker_stats_agrees(dockerd: Docker, options: tuple[str, ...]) -> None:
    identity = dockerd.ok("run", *options)
    wait_for_load(dockerd.ok)
    reader = UsageReader(layout.detect(), f"{dockerd.quarters.cgroup_parent}/{identity}")
    first, before = Counted.now(dockerd, identity), reader.read()
    time.sleep(BURNING_SECONDS)
    last, after = Counted.now(dockerd, identity), reader.read()
    row = dockerd.ok("stats", "--no-stream", "--format", "{{.MemUsage}}|{{.BlockIO}}|{{.PIDs}}", "one").split("|")
    latest = reader.read()
    reader.close()
    assert parts(after)[0].usage_usec * 1000 == pytest.approx(last.total_ns, rel=WITHIN)
    told = (last.total_ns - first.total_ns) / ((last.at - first.at).total_seconds() * 1e7)
    assert percent(after, before) == pytest.approx(told, rel=WITHIN)
    _, memory, io, pids = parts(latest)
    assert memory.working_set_bytes == pytest.approx(sizes(row[0])[0], rel=WITHIN)
    check_block_io(io, row[1])
    assert pids.current == int(row[2]) == 2


@pytest.mark.vm
def test_podman_stats_agrees(podman: Podman, options: tuple[str, ...]) -> None:
    done = podman.run(*options)
    assert done.returncode == 0, done.stderr
    wait_for_load(podman.ok)
    reader = UsageReader(layout.detect(), f"{podman.quarters.cgroup_parent}/libpod-{done.stdout.strip()}")
    row = "{{.CPU}}|{{.CPUNano}}|{{.MemUsage}}|{{.BlockIO}}|{{.PIDs}}"
    stats = subprocess.Popen(podman.argv("stats", "--interval", "1", "--format", row, "one"), stdout=subprocess.PIPE)
    assert stats.stdout is not None
    rows, readings = [], []
    for _ in range(LOOKS + 1):  # the first line is about the time since the start
        rows.append(stats.stdout.readline().decode().strip().split("|"))
        readings.append(reader.read())
    stats.terminate()
    stats.communicate()
    reader.close()
    cpu, memory, io, pids = parts(readings[-1])
    assert cpu.usage_usec == pytest.approx(int(rows[-1][1]) / 1000, rel=WITHIN)
    # On v2 it tells anonymous memory only (github.com/containers/common/issues/2454).
    in_use = memory.anonymous_bytes if layout.detect().version == "v2" else memory.current_bytes
    assert in_use == pytest.approx(sizes(rows[-1][2])[0], rel=WITHIN)
    check_block_io(io, rows[-1][3])
    assert pids.current == int(rows[-1][4]) == 2
    grown = (cpu.usage_usec - parts(readings[0])[0].usage_usec) * 1000
    assert grown == pytest.approx(int(rows[-1][1]) - int(rows[0][1]), rel=WITHIN)
    if layout.detect().version != "v2":  # our machine with v2 is emulated, and can't time
        assert percent(readings[-1], readings[0]) == pytest.approx(percent_over_all(rows), rel=WITHIN)


def percent_over_all(rows: Sequence[Sequence[str]]) -> float:
    """From percent and nanoseconds in each row, whose intervals aren't equally long on a busy machine."""
    nanoseconds = [int(row[1]) for row in rows]
    grown = [now - before for before, now in pairwise(nanoseconds)]
    lengths = [part / float(row[0]) for part, row in zip(grown, rows[1:], strict=True)]
    return sum(grown) / sum(lengths)
