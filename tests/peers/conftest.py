"""Other people's container managers, with boxdeck-oci as the runtime that they call."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import needs_root
from tests.peers import image
from tests.peers.daemons import Containerd, Docker, find_dockerd
from tests.peers.quarters import Quarters

CHECKOUT = Path(__file__).parent.parent.parent
DOCKER = CHECKOUT / "build" / "peers" / "docker"  # where .ci/setup unpacks Debian's package to


@pytest.fixture(scope="session")
def boxdeck_oci() -> str:
    """The console script, as a caller would find it."""
    return str(Path(sys.executable).parent / "boxdeck-oci")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the image `image.NAME`."""
    require("busybox", "busybox-static")
    path = tmp_path_factory.mktemp("image") / "tiny.tar"
    image.write(path, platform.machine())
    return path


@pytest.fixture(scope="module")
def quarters(request: pytest.FixtureRequest) -> Iterator[Quarters]:
    """A place for the managers of one file of tests."""
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    made = Quarters(request.module.__name__.rpartition("_")[2])
    yield made
    made.leave()


@pytest.fixture(scope="module")
def containerd(
    quarters: Quarters, tmp_path_factory: pytest.TempPathFactory, boxdeck_oci: str, tiny: Path
) -> Containerd:
    """A containerd that has the image."""
    require("containerd", "containerd")
    started = Containerd(quarters, tmp_path_factory.mktemp("containerd"), boxdeck_oci)
    started.ok("images", "import", "--snapshotter", "native", str(tiny))
    return started


@pytest.fixture(scope="module")
def docker(containerd: Containerd, tmp_path_factory: pytest.TempPathFactory, boxdeck_oci: str, tiny: Path) -> Docker:
    """A dockerd that has the image."""
    if find_dockerd(DOCKER) is None:
        pytest.skip("dockerd isn't installed: .ci/setup peers")
    started = Docker(containerd, tmp_path_factory.mktemp("docker"), DOCKER, boxdeck_oci)
    started.ok("load", "--input", str(tiny))
    return started


def require(program: str, package: str) -> str:
    """Where a program is; skips the test where it isn't installed."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} isn't installed: apt-get install {package}")
    return found
