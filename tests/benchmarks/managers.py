"""podman and dockerd with containers that sleep, and what their statistics cost: command and daemons together."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.cgroups import folders
from tests.benchmarks.peers import find
from tests.command_line import CHECKOUT
from tests.peers import image
from tests.peers.daemons import Containerd, Docker, find_dockerd
from tests.peers.podman import Podman
from tests.peers.quarters import Quarters

DOCKER = CHECKOUT / "build" / "peers" / "docker"  # where .ci/setup unpacks Debian's package to
_SLEEP = ("sleep", "100000")
_AT_ONCE = 4
_ACCOUNTING = Path("/sys/fs/cgroup/cpuacct")


class Manager(NamedTuple):
    """A command that shows what so many containers use.

    Attributes:
        name: such as ``podman stats --no-stream``.
        daemons: the file with the processor time of those who do its work, in nanoseconds; None where nobody does.
    """

    name: str
    argv: list[str]
    daemons: Path | None = None

    def daemons_ms(self) -> float:
        """What they have used so far."""
        return int(self.daemons.read_text()) / 1e6 if self.daemons is not None else 0.0


@contextmanager
def managers(folder: Path, count: int) -> Iterator[list[Manager]]:
    """Those that are installed, each with so many containers; all of it has gone afterwards."""
    found: list[Manager] = []
    if shutil.which("busybox") is None:
        yield found
        return
    folder.mkdir()
    archive = folder / "tiny.tar"
    image.write(archive, platform.machine())
    with ExitStack() as stack:
        if find("podman") and (runtime := find("crun") or find("runc")):
            found.append(stack.enter_context(_podman(folder / "podman", runtime, archive, count)))
        if find("containerd") and find_dockerd(DOCKER) and (runtime := find("runc")) and _ACCOUNTING.is_dir():
            found.append(stack.enter_context(_docker(folder / "docker", runtime, archive, count)))
        yield found


@contextmanager
def _podman(folder: Path, runtime: str, archive: Path, count: int) -> Iterator[Manager]:
    folder.mkdir()
    with _quarters("podman") as quarters:
        podman = Podman(quarters, folder, runtime)
        podman.ok("load", "-i", str(archive))
        try:
            _start(lambda: podman.run("-d", image.NAME, *_SLEEP), count)
            yield Manager("podman stats --no-stream", _absolute(podman.argv("stats", "--no-stream")))
        finally:
            podman.ok("rm", "--all", "--force", "--time", "0")


@contextmanager
def _docker(folder: Path, runtime: str, archive: Path, count: int) -> Iterator[Manager]:
    folder.mkdir()
    with _accounting(f"boxdeck-bench-{os.getpid()}-daemons") as group, _quarters("docker") as quarters:
        containerd = Containerd(quarters, folder, runtime)
        docker = Docker(containerd, folder, DOCKER, runtime)
        for daemon in quarters.daemons:
            (group / "cgroup.procs").write_text(str(daemon.pid))
        docker.ok("load", "--input", str(archive))
        try:
            _start(lambda: docker("run", "--detach", "--network", "none", image.NAME, *_SLEEP), count)
            argv = _absolute(docker.argv("stats", "--no-stream"))
            yield Manager("docker stats --no-stream", argv, group / "cpuacct.usage")
        finally:
            if there := docker.ok("ps", "--all", "--quiet", "--no-trunc").split():
                docker.ok("rm", "--force", *there)


def _start(run: Callable[[], subprocess.CompletedProcess[str]], count: int) -> None:
    """So many containers, a few at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for done in threads.map(lambda _: run(), range(count)):
            assert done.returncode == 0, done.stderr


@contextmanager
def _quarters(name: str) -> Iterator[Quarters]:
    quarters = Quarters(f"bench-{name}")
    try:
        yield quarters
    finally:
        quarters.leave()


@contextmanager
def _accounting(name: str) -> Iterator[Path]:
    """A cgroup that counts processor time; whoever was in it must have ended before it ends."""
    group = _ACCOUNTING / name
    group.mkdir()
    try:
        yield group
    finally:
        folders.remove([str(group)])


def _absolute(argv: list[str]) -> list[str]:
    return [shutil.which(argv[0]) or argv[0], *argv[1:]]
