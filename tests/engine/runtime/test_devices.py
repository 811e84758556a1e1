"""/dev of a container: nodes, links, and what is there already."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.errors import BoxdeckError
from engine.oci.linux_spec import Device
from engine.runtime import dev_folder
from tests.engine.runtime.box import DEV, PROC, Bundle, linux, mount, needs_root

pytestmark = [pytest.mark.vm, needs_root]

DEFAULT = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def numbers(path: str) -> list[int]:
    found = os.stat(path)
    return [os.major(found.st_rdev), os.minor(found.st_rdev)]


@pytest.mark.parametrize("make_dev", [False, True])
@pytest.mark.parametrize("user", [False, True])
def test_every_program_finds_what_it_expects(bundle: Bundle, user: bool, make_dev: bool) -> None:
    bundle.make_dev = make_dev

    def probe() -> list[object]:
        with open("/dev/null", "w") as null, open("/dev/zero", "rb") as zero:
            null.write("gone")
            read = zero.read(2) == b"\0\0"
        return [[numbers(f"/dev/{name}") for name in DEFAULT], read, os.readlink("/dev/ptmx"), os.readlink("/dev/fd"),
                os.path.lexists("/dev/core"), stat.S_IMODE(os.stat("/dev/null").st_mode)]  # fmt: skip

    answer = bundle.run(bundle.spec(DEV, PROC, linux=linux(user=user)), probe)
    expected = [list(number) for number in DEFAULT.values()]
    assert answer == [expected, True, "pts/ptmx", "/proc/self/fd", os.path.exists("/proc/kcore"), 0o666]


def test_devices_of_the_spec_are_made_with_mode_and_owner(bundle: Bundle) -> None:
    devices = (
        Device(type="c", path="/dev/deep/down", major=10, minor=229, file_mode=0o640, uid=12, gid=34),
        Device(type="p", path="/dev/pipe", file_mode=0o600),
        Device(type="u", path="/dev/unbuffered", major=1, minor=5),
        Device(type="c", path="/srv/zero", major=1, minor=5),
        Device(type="c", path="/dev/null", major=1, minor=3, file_mode=0o600),
    )

    def probe() -> list[object]:
        found = os.stat("/dev/deep/down")
        return [numbers("/dev/deep/down"), oct(found.st_mode), found.st_uid, found.st_gid,
                stat.S_ISFIFO(os.stat("/dev/pipe").st_mode), numbers("/dev/unbuffered"), numbers("/srv/zero"),
                oct(os.stat("/dev/null").st_mode)]  # fmt: skip

    answer = bundle.run(bundle.spec(DEV, PROC, linux=linux(devices=devices)), probe)
    assert answer == [[10, 229], "0o20640", 12, 34, True, [1, 5], [1, 5], "0o20600"]


def test_devices_of_a_user_namespace_have_mode_and_owner_as_well(bundle: Bundle) -> None:
    devices = (Device(type="c", path="/dev/fuse", major=10, minor=229, file_mode=0o640, uid=12, gid=34),)

    def probe() -> list[object]:
        found = os.stat("/dev/fuse")
        return [numbers("/dev/fuse"), oct(found.st_mode), found.st_uid, found.st_gid, os.stat("/dev/null").st_uid,
                os.stat("/dev").st_uid]  # fmt: skip

    answer = bundle.run(bundle.spec(DEV, PROC, linux=linux(user=True, devices=devices)), probe)
    assert answer == [[10, 229], "0o20640", 12, 34, 0, 0]


@pytest.mark.parametrize("more", [(), (Device(type="c", path="/dev/fuse", major=10, minor=229, uid=12),)])
def test_a_dev_that_was_made_before_anybody_asked_is_given_to_whom_it_fits(
    bundle: Bundle, more: tuple[Device, ...]
) -> None:
    def probe() -> list[object]:
        Path("/dev/new").touch()
        found = [(name, os.lstat(f"/dev/{name}")) for name in sorted(os.listdir("/dev"))]
        return [[name, status.st_mode, status.st_rdev, status.st_uid] for name, status in found]

    wanted = bundle.spec(DEV, PROC, linux=linux(user=True, devices=more))
    made_anew = bundle.run(wanted, probe)
    bundle.run(bundle.spec(DEV, PROC, linux=linux(user=True)), lambda: None)
    expected = dev_folder.latest()
    if expected is None:  # before Linux 6.3
        return
    dev_folder.prepare(expected)
    ((_, folder),) = dev_folder.prepared
    Path(f"/proc/self/fd/{folder}/mark").touch()
    answer = bundle.run(wanted, probe)
    assert isinstance(answer, list)
    assert ["mark" in entry for entry in answer].count(True) == (not more)
    assert [entry for entry in answer if "mark" not in entry] == made_anew
    if dev_folder.prepared:
        os.close(dev_folder.prepared.pop()[1])


def test_a_device_that_belongs_to_nobody_of_the_container_is_the_hosts_own(bundle: Bundle) -> None:
    devices = (Device(type="c", path="/dev/zero", major=1, minor=5, uid=70_000),)
    spec = bundle.spec(DEV, PROC, linux=linux(user=True, devices=devices))
    assert bundle.run(spec, lambda: [numbers("/dev/zero"), os.stat("/dev/zero").st_uid]) == [[1, 5], 65534]


def test_nobody_can_make_a_device_in_the_dev_of_a_user_namespace(bundle: Bundle) -> None:
    def probe() -> str:
        try:
            os.mknod("/dev/disk", stat.S_IFBLK | 0o666, os.makedev(254, 0))
        except OSError as error:
            return str(error.strerror)
        return "made"

    assert bundle.run(bundle.spec(DEV, PROC, linux=linux(user=True)), probe) == "Operation not permitted"


@pytest.mark.parametrize("make_dev", [False, True])
def test_in_a_user_namespace_the_hosts_node_is_shown_whatever_its_name(bundle: Bundle, make_dev: bool) -> None:
    bundle.make_dev = make_dev
    devices = (
        Device(type="c", path="/dev/nothing", major=1, minor=3),
        Device(type="c", path="/srv/deep/zero", major=1, minor=5),
        Device(type="p", path="/dev/pipe"),
    )

    def probe() -> list[object]:
        return [numbers("/dev/nothing"), numbers("/srv/deep/zero"), stat.S_ISFIFO(os.stat("/dev/pipe").st_mode)]

    spec = bundle.spec(DEV, PROC, linux=linux(user=True, devices=devices))
    assert bundle.run(spec, probe) == [[1, 3], [1, 5], True]


def test_a_device_that_the_host_has_no_node_of_is_named(bundle: Bundle) -> None:
    devices = (Device(type="c", path="/srv/null", major=240, minor=77),)
    with pytest.raises(BoxdeckError, match="the host has no device c 240:77 for /srv/null"):
        bundle.run(bundle.spec(DEV, PROC, linux=linux(user=True, devices=devices)), lambda: None)


def test_what_is_there_must_be_the_device(bundle: Bundle) -> None:
    dev = bundle.folder / "dev"
    dev.mkdir()
    (bundle.root / "srv").mkdir()
    os.mknod(bundle.root / "srv/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    (bundle.root / "srv/file").write_text("")
    zero = Device(type="c", path="/srv/zero", major=1, minor=5)
    assert bundle.run(bundle.spec(DEV, PROC, linux=linux(devices=(zero,))), lambda: numbers("/srv/zero")) == [1, 5]
    for path in ("/srv/zero", "/srv/file"):
        null = Device(type="c", path=path, major=1, minor=3)
        with pytest.raises(BoxdeckError, match=f"{path} exists in the image and is not the device c 1:3"):
            bundle.run(bundle.spec(DEV, PROC, linux=linux(devices=(null,))), lambda: None)


def test_a_dev_of_the_hosts_is_left_alone(bundle: Bundle) -> None:
    dev = bundle.folder / "dev"
    dev.mkdir()
    spec = bundle.spec(mount("/dev", "bind", "rbind", source="dev"), PROC)
    assert bundle.run(spec, lambda: os.listdir("/dev")) == []
    assert list(dev.iterdir()) == []


def test_without_a_mount_on_dev_the_images_own_is_completed(bundle: Bundle) -> None:
    dev = bundle.root / "dev"
    dev.mkdir()
    os.mknod(dev / "ptmx", stat.S_IFCHR | 0o666, os.makedev(5, 2))
    # the box only makes devices where something is mounted on /dev; a bind of the image's own folder isn't ours
    spec = bundle.spec(mount("/dev/pts", "devpts", "newinstance"), mount("/dev", "tmpfs", "tmpcopyup"), PROC)
    assert bundle.run(spec, lambda: os.readlink("/dev/ptmx")) == "pts/ptmx"
    assert stat.S_ISCHR((dev / "ptmx").stat().st_mode)
