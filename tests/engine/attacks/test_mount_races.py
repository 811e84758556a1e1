"""Mounts of a container whose root or volumes somebody else rearranges meanwhile, or has prepared.

What is attacked is `engine.runtime`'s mounting itself, in a box that has its mounts and nothing else: only so can an
attack come between any two system calls.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import BoxdeckError
from engine.linux import mounts, prctl, pty
from engine.oci.runtime_spec import Mount
from engine.runtime import devices, masking
from tests.engine.runtime.box import PROC, Bundle, linux, mount, needs_root, options_of, where_all_is_shared

pytestmark = [pytest.mark.vm, needs_root, pytest.mark.alone]

_libc = ctypes.CDLL(None, use_errno=True)
_RENAME_EXCHANGE = 2


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    tmp_path.chmod(0o755)
    return Bundle(tmp_path)


def exchange(one: bytes, other: bytes) -> bool:
    return bool(_libc.renameat2(-100, one, -100, other, _RENAME_EXCHANGE) == 0)


@contextmanager
def racer(one: Path, other: Path) -> Iterator[None]:
    """A process that exchanges two names as fast as it can: the other container that has the same volume."""
    names = os.fsencode(one), os.fsencode(other)
    pid = os.fork()
    if pid == 0:
        prctl.set_parent_death_signal(signal.SIGKILL)
    while pid == 0:
        exchange(*names)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def points() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def prepared(bundle: Bundle, kind: str, leads_to: str) -> tuple[Mount, Path, Path]:
    """A mount on /volume/x, and the two names that the attacker exchanges: the destination and a link."""
    volume = bundle.root / "volume"
    volume.mkdir()
    link = volume / "y"
    link.symlink_to(leads_to)
    if kind == "file":
        (volume / "x").write_text("")
        (bundle.folder / "file").write_text("")
        return mount("/volume/x", "bind", "bind", source="file"), volume / "x", link
    (volume / "x").mkdir()
    (bundle.folder / "data").mkdir()
    if kind == "tmpfs":
        return mount("/volume/x", "tmpfs"), volume / "x", link
    return mount("/volume/x", "bind", "bind", source="data"), volume / "x", link


@pytest.mark.parametrize("kind", ["folder", "file", "tmpfs"])
@pytest.mark.parametrize("leads_to", ["{victim}", "/proc/self/root{victim}", "../../../../../../../../..{victim}"])
def test_a_destination_that_is_exchanged_for_a_link_never_leads_a_mount_to_the_host(
    bundle: Bundle, kind: str, leads_to: str
) -> None:
    """CVE-2021-30465. What is mounted outside the root is missing inside, since the host's tree goes at pivot_root.

    Tried with `mount_targets` opening the destination by plain openat(2) below the root: mounts are missing.
    """
    victim = bundle.folder / ("victim-file" if kind == "file" else "victim")
    victim.write_text("") if kind == "file" else victim.mkdir()
    wanted, destination, link = prepared(bundle, kind, leads_to.format(victim=victim))
    spec = bundle.spec(PROC, wanted)
    refused = []
    with racer(destination, link):
        for _ in range(25):
            try:
                found = bundle.run(spec, points)
            except BoxdeckError as error:  # a link through /proc may be refused, and a file may be gone for a moment
                refused.append(str(error))
                continue
            assert isinstance(found, list) and len(found) == 3, found
    assert [reason for reason in refused if "can't be mounted on /volume/x" not in reason] == []


@pytest.mark.parametrize("kind", ["folder", "file", "tmpfs"])
def test_an_exchange_right_before_the_mount_changes_nothing(
    bundle: Bundle, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2021-30465, at the worst moment: between opening the destination and mounting on it.

    Tried with `attach` and `mount` given the path instead of the descriptor: the mount isn't found inside.
    """
    victim = bundle.folder / "victim"
    victim.mkdir()
    wanted, destination, link = prepared(bundle, kind, str(victim))
    calls: list[str] = []

    def after_exchange(real: Callable[..., None], name: str) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            if name == "attach" or arguments[1] == ".":
                calls.append(name)
                if len(calls) == 2:  # the root file system is attached first, or the procfs mounted
                    assert exchange(os.fsencode(destination), os.fsencode(link))
            real(*arguments)

        return call

    monkeypatch.setattr(mounts, "attach", after_exchange(mounts.attach, "attach"))
    monkeypatch.setattr(mounts, "mount", after_exchange(mounts.mount, "mount"))
    other = mount("/proc", "proc", "rprivate")
    found = bundle.run(bundle.spec(wanted, other), points)
    assert found == ["/", "/volume/y", "/proc"]  # the folder that was opened goes by the other name now


@pytest.mark.parametrize("user", [False, True])
def test_the_containers_own_null_device_is_never_what_masks_a_path(bundle: Bundle, user: bool) -> None:
    """CVE-2025-31133: /dev/null of the container is a link to what the attacker wants to write to.

    Tried with `open_tree` of the container's /dev/null as the cover: core_pattern is shown instead, and writable.
    """
    dev = bundle.root / "dev"
    dev.mkdir()
    (dev / "null").symlink_to("/proc/sys/kernel/core_pattern")
    spec = bundle.spec(PROC, linux=linux(user=user, masked_paths=("/proc/uptime",), readonly_paths=("/proc/sys",)))

    def probe() -> list[int]:
        found = os.stat("/proc/uptime")
        return [os.major(found.st_rdev), os.minor(found.st_rdev), len(Path("/proc/uptime").read_bytes())]

    assert bundle.run(spec, probe) == [1, 3, 0]


def test_a_null_device_of_the_hosts_that_isn_t_one_hides_nothing(bundle: Bundle) -> None:
    """CVE-2025-31133 from the other side. Tried without looking at the numbers: the file covers /proc/uptime."""
    fake = bundle.folder / "fake"
    fake.write_text("secret")

    def work() -> object:
        mounts.mount(str(fake), "/dev/null", None, mounts.MS_BIND)
        try:
            return bundle.run(bundle.spec(PROC, linux=linux(masked_paths=("/proc/uptime",))), lambda: "masked")
        except BoxdeckError as error:
            return str(error)

    assert "/dev/null of the host is not the null device" in str(where_all_is_shared(work))


def test_a_masked_path_that_is_a_link_masks_inside(bundle: Bundle) -> None:
    """Tried with plain open(2) in `masking`: the host's own file is covered, and the one inside is not."""
    (bundle.root / "etc").mkdir()
    (bundle.root / "etc/hostname").write_text("inside")
    (bundle.root / "link").symlink_to("/etc/hostname")
    spec = bundle.spec(PROC, linux=linux(masked_paths=("/link",)))
    assert bundle.run(spec, lambda: [options_of("/etc/hostname") != "", Path("/etc/hostname").read_text()]) == [
        True,
        "",
    ]


@pytest.mark.parametrize("leads_to", ["/proc/sys/kernel/core_pattern", "{outside}", "nowhere"])
def test_a_terminal_never_covers_what_a_console_of_the_image_leads_to(bundle: Bundle, leads_to: str) -> None:
    """CVE-2025-52565: /dev/console is a link, and what it names is covered before it would have been protected.

    Tried with `make_file_in_root` following links: nothing is refused. As this comes before /proc is mounted, the link
    leads nowhere and gives way, so that the terminal is on /dev/console all the same. With plain open(2) below the
    root, which covers what lies outside, nothing is refused either where the link leads to something.
    """
    outside = bundle.folder / "outside"
    outside.write_text("")
    (bundle.root / "dev").mkdir()
    (bundle.root / "dev/console").symlink_to(leads_to.format(outside=outside))
    with pytest.raises(BoxdeckError, match=r"/dev/console is a link|terminal can't be shown") as refused:
        bundle.run(bundle.spec(PROC), lambda: None, before=_show_terminal)
    assert "Traceback" not in str(refused.value) and not (bundle.root / "dev/nowhere").exists()


def test_a_terminal_is_the_one_that_we_opened_whatever_its_name_leads_to(bundle: Bundle) -> None:
    """CVE-2025-52565, the other end: /dev/pts/0 is exchanged for a link before it is bound.

    Tried with `open_tree` of the terminal's name below the container's /dev/pts: what the link names is bound.
    """
    (bundle.root / "dev/pts").mkdir(parents=True)
    for number in range(32):
        (bundle.root / f"dev/pts/{number}").symlink_to("/proc/version")
    spec = bundle.spec(PROC)
    assert bundle.run(spec, lambda: os.major(os.stat("/dev/console").st_rdev), before=_show_terminal) == 136


def _show_terminal(root: int) -> None:
    devpts = os.open("/dev/pts", os.O_RDONLY | os.O_DIRECTORY)  # of the box's still visible host
    devices.bind_console(root, pty.open_slave(pty.open_master(devpts)))


# Writes to /proc


def test_a_sysctl_is_never_written_into_a_proc_of_the_images(bundle: Bundle) -> None:
    """CVE-2025-52881: what looks like /proc/sys is a folder of the attacker's.

    Tried with a plain write to the path: the file of the image is changed and the kernel's parameter isn't.
    """
    fake = bundle.root / "proc/sys/net/ipv4"
    fake.mkdir(parents=True)
    (fake / "ip_default_ttl").write_text("fake")
    spec = bundle.spec(mount("/real", "proc"), linux=linux(sysctl={"net.ipv4.ip_default_ttl": "77"}))
    assert bundle.run(spec, lambda: Path("/real/sys/net/ipv4/ip_default_ttl").read_text()) == "77\n"
    assert (fake / "ip_default_ttl").read_text() == "fake"


@pytest.mark.parametrize("place", ["/proc/sys", "/proc/sys/net/ipv4", "/proc/sys/net/ipv4/ip_default_ttl"])
def test_a_sysctl_is_never_written_to_what_is_mounted_over_it(bundle: Bundle, place: str) -> None:
    """CVE-2025-52881: a volume, or another file of procfs, is mounted where the parameter is.

    Tried without RESOLVE_NO_XDEV and the look at the file system in `procfs`: the volume's file, or what procfs has
    under another name, is written, and nobody notices.
    """
    if place.endswith("ttl"):
        cover = mount(place, "bind", "bind", source="/proc/version")
    else:
        volume = bundle.folder / "volume"
        (volume / "net/ipv4").mkdir(parents=True)
        (volume / "ip_default_ttl").write_text("fake")
        (volume / "net/ipv4/ip_default_ttl").write_text("fake")
        cover = mount(place, "bind", "bind", source="volume")
    spec = bundle.spec(PROC, cover, linux=linux(sysctl={"net.ipv4.ip_default_ttl": "77"}))
    with pytest.raises(
        BoxdeckError, match=r"the sysctl net.ipv4.ip_default_ttl can't be set to '77' \(invalid cross-d"
    ):
        bundle.run(spec, lambda: None)


def test_a_mask_is_not_put_on_by_name_when_the_name_is_exchanged(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried with the path opened again right before it is covered: the other file is covered and the secret is open."""
    for name in ("secret", "other"):
        (bundle.root / name).write_text(name)
    real = masking._cover

    def after_exchange(found: list[tuple[str, int]], cover: int) -> None:
        if found:
            assert exchange(os.fsencode(bundle.root / "secret"), os.fsencode(bundle.root / "other"))
        real(found, cover)

    monkeypatch.setattr(masking, "_cover", after_exchange)
    spec = bundle.spec(PROC, linux=linux(masked_paths=("/secret",)))
    assert bundle.run(spec, lambda: [Path(f"/{name}").read_text() for name in ("secret", "other")]) == ["other", ""]
