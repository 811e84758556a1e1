"""How long it takes to pull and unpack an image, beside others of their kind. Part of ``make bench``; see ``--help``.

All of it happens in a mount and a network namespace of our own: a registry on loopback, and a journalled ext4 in a loop
file, on which every run has a new folder and nothing is deleted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from engine.errors import BoxdeckError
from engine.linux import mounts, namespaces
from engine.paths import Paths
from tests.benchmarks import debian
from tests.benchmarks.images_table import Again, Measured, Pull, markdown, text
from tests.benchmarks.pulls import OURS, Prepare, contenders
from tests.registry import DockerRegistry

_DISK_BYTES = 256 << 30  # sparse
_SPACE_PER_PULL = 2.5  # of the archive's size: blobs, what they become, and what some keep on the way
_SAMPLE_SECONDS = 0.005
_LARGE_COPIES = 4


class _Options(argparse.Namespace):
    rounds: int
    tar: Path | None
    markdown: bool


def main() -> int:
    """Measure, and print."""
    options = _options()
    tar = options.tar or debian.debian_tar()
    if os.geteuid() != 0 or tar is None:
        sys.stderr.write("boxdeck: pulling is measured by root and where mmdebstrap is installed\n")
        return BoxdeckError.exit_status
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-bench-"))
    try:
        if (wanted := _wanted_bytes(tar, options.rounds)) > shutil.disk_usage(folder).free:
            sys.stderr.write(f"boxdeck: pulls need {wanted >> 30} GiB in {folder.parent}: ask for fewer rounds\n")
            return BoxdeckError.exit_status
        measured = _measure_in(folder, tar, options.rounds)
    finally:
        shutil.rmtree(folder)
    sys.stdout.write(markdown(measured) if options.markdown else text(measured))
    return 0


def _options() -> _Options:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.images", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=5, help="[5]")
    parser.add_argument("--tar", type=Path, help="a root file system, instead of a Debian that is made")
    parser.add_argument("--markdown", action="store_true", help="as the README has it")
    return parser.parse_args(namespace=_Options())


def _wanted_bytes(tar: Path, rounds: int) -> int:
    """The space that all pulls together take, since nothing is deleted in between."""
    pulls = 2 * (rounds + 1) * len(contenders()) + 4 + 4 * _LARGE_COPIES
    return int(pulls * _SPACE_PER_PULL * tar.stat().st_size)


def _move_out() -> None:
    """Leave the machine's namespaces; the ones that we have instead end with us and our children."""
    namespaces.unshare(namespaces.CLONE_NEWNS | namespaces.CLONE_NEWNET)
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    mounts.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    if Path("/sys/fs/cgroup/unified").is_mount():  # crun, podman and dockerd can't do with an empty v2 beside v1
        mounts.unmount("/sys/fs/cgroup/unified")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class _Places:
    """A fresh ext4 with a journal in a loop file, and new folders on it."""

    def __init__(self, folder: Path) -> None:
        file, self._disk = folder / "disk", folder / "mounted"
        with file.open("wb") as sparse:
            sparse.truncate(_DISK_BYTES)
        self._disk.mkdir()
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1", str(file)], check=True)
        subprocess.run(["mount", "-o", "loop,noinit_itable", str(file), str(self._disk)], check=True)
        _without_cache(file)
        self._count = 0

    def new(self) -> Path:
        """The name of a folder that isn't there, on a disk that has nothing left to do."""
        self._count += 1
        subprocess.run(["sync", "--file-system", str(self._disk)], check=True)
        return self._disk / str(self._count)

    def close(self) -> None:
        """Unmount it, which gives the loop device back."""
        subprocess.run(["umount", "--recursive", str(self._disk)], check=True)


def _without_cache(file: Path) -> None:
    """Let a loop device write like a disk, which doesn't keep everything in memory once more; where it can."""
    command = ["losetup", "--noheadings", "--output", "NAME", "--associated", str(file)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["losetup", "--direct-io=on", device], check=False)


def _measure_in(folder: Path, tar: Path, rounds: int) -> Measured:
    _move_out()
    places, registry = _Places(folder), DockerRegistry(folder / "registry")
    try:
        return _measure(registry, places, folder, tar, rounds)
    finally:
        registry.close()
        places.close()


def _measure(registry: DockerRegistry, places: _Places, folder: Path, tar: Path, rounds: int) -> Measured:
    names = {"one layer": registry.reference("debian:1"), "eight layers": registry.reference("debian:8")}
    debian.push([tar.read_bytes()], names["one layer"], folder / "one")
    debian.push(list(debian.split(tar, 8)), names["eight layers"], folder / "eight")
    large, content = registry.reference("large:1"), debian.repeated(tar, _LARGE_COPIES)
    debian.push([content], large, folder / "large", level=1)
    return Measured(
        rounds=rounds,
        size_bytes=tar.stat().st_size,
        entries=debian.count(tar),
        pulls=_contest(places, names, rounds),
        peak_bytes={kind: _peak_bytes(places, name) for kind, name in names.items()},
        large_bytes=len(content),
        large_peak_bytes=_peak_bytes(places, large),
        again=_again(registry, places, names["one layer"]),
    )


def _contest(places: _Places, names: Mapping[str, str], rounds: int) -> dict[str, dict[str, Pull]]:
    """Every contender on every image, in an order that is another in every round; the first round doesn't count."""
    found = {name: prepare for name, prepare in contenders().items() if _is_able(name, prepare, places, names)}
    walls: dict[tuple[str, str], list[float]] = {(kind, name): [] for kind in names for name in found}
    for _ in range(rounds):
        for kind, name in random.sample(list(walls), len(walls)):
            with found[name](places.new(), names[kind]) as argv:
                walls[kind, name].append(_timed(argv))
    return {
        kind: {name: Pull(statistics.median(walls[kind, name]), min(walls[kind, name])) for name in found}
        for kind in names
    }


def _is_able(name: str, prepare: Prepare, places: _Places, images: Mapping[str, str]) -> bool:
    """Let a contender pull everything once; of others one that can't do that here is left out."""
    for image in images.values():
        try:
            with prepare(places.new(), image) as argv:
                _timed(argv)
        except (subprocess.CalledProcessError, AssertionError) as error:
            if name == OURS:
                raise
            sys.stderr.write(f"boxdeck: {name} doesn't work here and is left out: {error}\n")
            return False
    return True


def _timed(argv: Sequence[str]) -> float:
    """Seconds of wall time."""
    begun = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def _peak_bytes(places: _Places, image: str) -> int:
    """The most memory that our processes had of their own, and their share of what they have together."""
    with contenders()[OURS](places.new(), image) as argv:
        process = psutil.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_pss_bytes, [process, *process.children(recursive=True)])))
            time.sleep(_SAMPLE_SECONDS)
        assert process.returncode == 0
    return peak


def _pss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def _again(registry: DockerRegistry, places: _Places, image: str) -> Again:
    """A second pull of what is here."""
    folder = places.new()
    with contenders()[OURS](folder, image) as argv:
        _timed(argv)
        requests, unpacked = registry.requests(), _layers(folder)
        seconds = _timed(argv)
    return Again(seconds, registry.requests()[len(requests) :], _layers(folder) == unpacked)


def _layers(folder: Path) -> dict[str, int]:
    """Unpacked layers and their inodes."""
    return {path.name: path.stat().st_ino for path in Paths(folder / "root", folder / "run").layers.glob("sha256/*")}


if __name__ == "__main__":
    sys.exit(main())
