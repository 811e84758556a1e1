"""Images whose /proc, /sys or /dev are links: programs, and we, would take files of the image for the kernel's."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import ContainerRequest
from engine.oci.runtime_spec import Mount
from tests.engine.runtime.box import DEV, PROC, Bundle, mount, needs_root
from tests.engine.traces import traces

pytestmark = [pytest.mark.vm, needs_root]

SYS = mount("/sys", "sysfs", "ro")


@pytest.mark.parametrize(("name", "wanted"), [("proc", PROC), ("sys", SYS), ("dev", DEV)])
@pytest.mark.parametrize("leads_to", ["/fake", "fake", "nowhere", "/proc/self/root/tmp", "."])
def test_a_link_in_the_kernels_place_is_refused_in_one_sentence(
    tmp_path: Path, name: str, wanted: Mount, leads_to: str
) -> None:
    """CVE-2019-16884 and CVE-2019-19921: with /proc elsewhere, labels and masks go elsewhere, too.

    Tried with `mount_targets.existing` following links: the file system is mounted on /fake, and nothing is refused.
    """
    bundle = Bundle(tmp_path)
    (bundle.root / "fake").mkdir()
    (bundle.root / name).symlink_to(leads_to)
    with pytest.raises(BoxdeckError, match=f"^the image's /{name} is a link"):
        bundle.run(bundle.spec(wanted), lambda: None)


@pytest.mark.parametrize("place", ["/sys/fs/cgroup", "/dev/shm", "/dev/pts", "/proc/cpuinfo"])
def test_nor_may_a_link_be_further_down(tmp_path: Path, place: str) -> None:
    """Tried as above: the mount lands on /fake."""
    bundle = Bundle(tmp_path)
    (bundle.root / "fake").mkdir()
    link = bundle.root / place.lstrip("/")
    link.parent.mkdir(parents=True)
    link.symlink_to("/fake")
    wanted = mount(place, "bind", "bind", source="/proc/version") if place == "/proc/cpuinfo" else mount(place, "tmpfs")
    with pytest.raises(BoxdeckError, match=f"^the image's {place} is a link"):
        bundle.run(bundle.spec(wanted), lambda: None)


@pytest.mark.parametrize("wanted", [mount("/proc", "tmpfs"), mount("/./proc/", "bind", "bind", source="/proc/self")])
def test_nothing_but_a_procfs_can_be_mounted_on_proc(tmp_path: Path, wanted: Mount) -> None:
    """CVE-2019-16884: what a volume pretends about labels is believed.

    Tried without the check: an empty tmpfs, and one process's folder, are mounted on /proc.
    """
    bundle = Bundle(tmp_path)
    with pytest.raises(BoxdeckError, match="can't be mounted on /proc: it is no procfs"):
        bundle.run(bundle.spec(wanted), lambda: None)


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
async def test_a_container_of_such_an_image_is_refused_and_leaves_nothing(
    engine: Engine, tmp_path: Path, name: str
) -> None:
    """The same, through everything that the engine does. Tried as above: the container runs."""
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for folder in ("bin", "fake"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, "/fake"
        tar.addfile(link)
        program = Path("/bin/busybox").read_bytes()
        member = tarfile.TarInfo("bin/sh")
        member.size, member.mode = len(program), 0o755
        tar.addfile(member, io.BytesIO(program))
    await engine.images.import_rootfs(archive, f"linked-{name}:latest")
    request = ContainerRequest(
        image=f"linked-{name}", command=("/bin/sh", "-c", "echo out"), network="none", auto_remove=True
    )
    with pytest.raises(BoxdeckError, match=f"the image's /{name} is a link"):
        await engine.containers.run_attached(request)
    assert await traces(engine) == []
