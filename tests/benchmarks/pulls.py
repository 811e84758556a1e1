"""The same image pulled and unpacked by Boxdeck and by others, each time into a folder that is new."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from tests.benchmarks.peers import find
from tests.command_line import CHECKOUT, CommandLine
from tests.peers.daemons import Containerd, Docker, find_dockerd
from tests.peers.quarters import Quarters

_DOCKER = CHECKOUT / "build" / "peers" / "docker"  # where .ci/setup unpacks Debian's package to

OURS = "boxdeck pull"
PEERS = ("podman", str(_DOCKER / "usr" / "sbin" / "dockerd"), "skopeo", "umoci")

Prepare = Callable[[Path, str], AbstractContextManager[list[str]]]
"""Makes ready for one pull: from a new folder and an image's name to the command that is timed."""


class Here(Quarters):
    """The namespaces that this process is in."""

    def __init__(self) -> None:
        self.cgroup_parent = "/boxdeck-bench-pull"
        self.daemons = []

    def argv(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def leave(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=60)


def contenders() -> dict[str, Prepare]:
    """Those that are installed, ours first."""
    found: dict[str, Prepare] = {OURS: _boxdeck}
    if podman := find("podman"):
        found["podman pull"] = partial(_podman, podman)
    if find("containerd") and find_dockerd(_DOCKER):
        found["docker pull"] = _docker
    if (skopeo := find("skopeo")) and (umoci := find("umoci")):
        found["skopeo copy, umoci unpack"] = partial(_skopeo, skopeo, umoci)
    return found


@contextmanager
def _boxdeck(folder: Path, image: str) -> Iterator[list[str]]:
    yield [*CommandLine(folder).argv, "pull", "--quiet", image]


@contextmanager
def _podman(program: str, folder: Path, image: str) -> Iterator[list[str]]:
    places = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/tmp"]
    kinds = ["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
    yield [program, *places, *kinds, "pull", "--quiet", "--tls-verify=false", image]


@contextmanager
def _docker(folder: Path, image: str) -> Iterator[list[str]]:
    folder.mkdir()
    here = Here()
    try:
        containerd = Containerd(here, folder, "runc")
        yield Docker(containerd, folder, _DOCKER, "runc", "overlay2").argv("pull", "--quiet", image)
    finally:
        here.leave()


@contextmanager
def _skopeo(skopeo: str, umoci: str, folder: Path, image: str) -> Iterator[list[str]]:
    folder.mkdir()
    layout, bundle = f"{folder}/layout:latest", f"{folder}/bundle"
    copy = f"{skopeo} copy -q --src-tls-verify=false docker://{image} oci:{layout}"
    yield [shutil.which("sh") or "/bin/sh", "-c", f"{copy} && {umoci} unpack --image {layout} {bundle}"]
