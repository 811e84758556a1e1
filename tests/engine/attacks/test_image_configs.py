"""Images whose configs are made to harm: whatever they say, they are refused in one sentence or nobody gets out."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import ContainerRequest
from tests.engine.attacks.conftest import LEFT_OPEN
from tests.engine.images.conftest import Layout

NAME = "hostile:1"
SECRET = "the host's own"

CONFIGS: dict[str, dict[str, Any]] = {
    "CVE-2024-21626, runc: the folder of a leaked descriptor": {"WorkingDir": "/proc/self/fd/7"},
    "and its parents": {"WorkingDir": "/proc/self/fd/3/../../../../.."},
    "a working folder upwards": {"WorkingDir": "../../../../../../.."},
    "one with a zero byte": {"WorkingDir": "/\0/etc"},
    "one that a link leads to": {"WorkingDir": "/to-fd"},
    "one that is very long": {"WorkingDir": "/x" * 3000},
    "one with a line in it": {"WorkingDir": "/a\nb\x1b[31m"},
    "a user that is a path": {"User": "../../etc/passwd"},
    "a user of two lines": {"User": "0:0\nroot:x:0:0"},
    "a user beyond all": {"User": "4294967295"},
    "a user below all": {"User": "-1"},
    "a user of many digits": {"User": "9" * 5000},
    "a group beyond all": {"User": "0:99999999999"},
    "variables without names": {"Env": ["=x", "", "novalue", "A=\0", "A=b\nC=d"]},
    "variables that steer": {"Env": ["LD_PRELOAD=/lib/evil.so", "PATH=", "HOME=/proc/self/root", "BOXDECK_ROOT=/"]},
    "variables without end": {"Env": [f"N{number}=" + "x" * 100_000 for number in range(30)]},
    "variables that are no words": {"Env": [1, None]},
    "a command with a zero byte": {"Entrypoint": ["/bin/busybox\0", "sh"]},
    "a command that is empty": {"Entrypoint": [""], "Cmd": [""]},
    "a command that is no list": {"Cmd": "sh"},
    "a command that is a link outside": {"Entrypoint": ["/to-root/usr/bin/env"]},
    "volumes that lead out": {"Volumes": {"/../../../etc": {}, "/to-root/etc": {}, "/proc/self": {}, "": {}}},
    "ports that are none": {"ExposedPorts": {"99999999/tcp": {}, "x": {}, "-1/udp": {}, "80/\x1b[31m": {}}},
    "a signal that is none": {"StopSignal": "SIG\x1b[31m"},
    "labels that terminals obey": {"Labels": {"\x1b[31m": "\x9b2J"}},
    "labels that are no words": {"Labels": {"a": {"b": 1}}},
    "a check of health that never ends": {"Healthcheck": {"Test": ["CMD", "x"], "Interval": -1}},
}


def archive() -> bytes:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox isn't installed: apt-get install busybox-static")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        made.add(busybox, "bin/busybox")
        for name, target in (
            ("to-fd", "/proc/self/fd/9"),
            ("to-inherited", f"/proc/self/fd/{LEFT_OPEN}"),
            ("to-root", "/proc/1/root"),
            ("bin/sh", "busybox"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            made.addfile(info)
    return buffer.getvalue()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file of the host's that nobody inside may read."""
    path = tmp_path / "canary"
    path.write_text(SECRET)
    return path


@pytest.fixture
async def cleaned(engine: Engine) -> AsyncIterator[Engine]:
    yield engine
    for container in await engine.containers.list(all_states=True):
        await engine.containers.remove(container.id, force=True)
    for image in await engine.images.list():
        if image.references == (NAME,):
            await engine.images.remove(image.id, force=True)


async def load(engine: Engine, layout: Layout, image: dict[str, object]) -> None:
    named = {**image, "annotations": {"org.opencontainers.image.ref.name": NAME}}
    await engine.images.load(layout.finish(named))


async def is_loaded(engine: Engine, layout: Layout, image: dict[str, object]) -> bool:
    """Whether it wasn't refused."""
    try:
        await load(engine, layout, image)
    except BoxdeckError as error:
        return not str(error).isprintable()
    return True


async def run(engine: Engine, *command: str, **options: Any) -> tuple[int, str]:
    """Exit status and output, or 125 and the sentence."""
    request = ContainerRequest(image=NAME, command=command, auto_remove=True, **options)
    try:
        session = await engine.containers.run_attached(request)
        seen = b""
        while (chunk := await session.read()) is not None:
            seen += chunk.data
        return await session.wait(), seen.decode(errors="replace")
    except BoxdeckError as error:
        return error.exit_status, str(error)


@pytest.mark.parametrize("case", CONFIGS)
async def test_no_config_leads_out(cleaned: Engine, tmp_path: Path, canary: Path, case: str) -> None:
    """Tried with values of other types let through by `image_spec.decode`: what comes out is no sentence of ours.

    What leads out where it is let is tried one by one: working folders below, mounts in `test_mount_races`.
    """
    layout = Layout(tmp_path / "layout")
    before = await cleaned.images.list()
    if not await is_loaded(cleaned, layout, layout.image(archive(), **CONFIGS[case])):
        assert await cleaned.images.list() == before
        return
    status, seen = await run(cleaned)
    assert status in (0, 125, 126, 127) and (status == 0 or "\n" not in seen.rstrip())
    script = f"cat {canary}; cat ../../../../../../..{canary}; cat ./{canary.name}; ls ..; echo done"
    status, seen = await run(cleaned, "sh", "-c", script, entrypoint=("/bin/busybox",))
    assert SECRET not in seen and "boxdeck.db" not in seen
    assert status in (0, 125, 126, 127) and ("done" in seen) is (status == 0), (status, seen)


@pytest.mark.parametrize("folder", ["/proc/self/fd/{}", "/proc/self/fd/{}/../..", "/to-inherited"])
async def test_no_working_folder_leads_out_through_what_a_caller_left_open(
    cleaned: Engine, leaky: Engine, careless: tuple[int, ...], tmp_path: Path, canary: Path, folder: str
) -> None:
    """CVE-2024-21626, by an image. Without close_what_leads_out and the look at getcwd(2) the canary is read."""
    layout = Layout(tmp_path / "layout")
    await load(cleaned, layout, layout.image(archive(), WorkingDir=folder.format(careless[0])))
    options = {"entrypoint": ("/bin/busybox",), "userns": "host"}
    assert SECRET not in (await run(leaky, "cat", f".{canary}", **options))[1]


PASSWD: dict[str, tuple[bytes, str]] = {
    "a fifo": (tarfile.FIFOTYPE, ""),
    "a device without end": (tarfile.CHRTYPE, ""),
    "a link to itself": (tarfile.SYMTYPE, "passwd"),
    "a link outside": (tarfile.SYMTYPE, "{canary}"),
    "a folder": (tarfile.DIRTYPE, ""),
}


@pytest.mark.parametrize("case", PASSWD)
async def test_no_list_of_users_is_waited_for_or_read_outside(
    cleaned: Engine, tmp_path: Path, canary: Path, case: str
) -> None:
    """CVE-2024-9676: containers/storage read whatever an image's /etc/passwd led to, outside too.

    Tried with `layers.read_file` opening names as they are: it waits for the fifo for ever.
    """
    kind, target = PASSWD[case]
    canary.write_text("hostuser:x:0:0::/:/bin/sh\n")
    info = tarfile.TarInfo("etc/passwd")
    info.type, info.linkname, info.devmajor, info.devminor = kind, target.format(canary=canary), 1, 5  # /dev/zero
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        made.addfile(info)
    layout = Layout(tmp_path / "layout")
    await load(cleaned, layout, layout.image(archive(), buffer.getvalue(), User="hostuser"))
    status, said = await run(cleaned, "/bin/sh", "-c", "true")
    assert (status, "no user named 'hostuser'" in said) == (125, True)
    assert await run(cleaned, "/bin/sh", "-c", "echo here", user="0") == (0, "here\n")
