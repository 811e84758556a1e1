"""Attacks from inside: root of a container, hostile images. What they reach is their own container."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from contextlib import aclosing
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import layout
from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, InvalidRequest
from engine.model import ContainerRequest, ExecRequest, Limits
from engine.options import Security
from engine.session import Session
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

DESCRIPTORS = range(3, 24)
FLOOD_OF_STOPS = (
    "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || kill -STOP ${p#/proc/}; done; done 2>/dev/null"
)


async def output(session: Session) -> tuple[str, int]:
    data = b""
    while (chunk := await session.read()) is not None:
        data += chunk.data
    return data.decode(errors="replace"), await session.wait()


async def run(engine: Engine, *command: str, **options: object) -> tuple[str, int]:
    wanted = {"image": "base", "network": "none", "auto_remove": True, **options}
    request = ContainerRequest(command=command, **wanted)  # type: ignore[arg-type]
    return await output(await engine.containers.run_attached(request))


async def start(engine: Engine, *command: str, **options: object) -> str:
    wanted = {"image": "base", "network": "none", **options}
    return (await engine.containers.run(ContainerRequest(command=command, **wanted))).id  # type: ignore[arg-type]


# Our own descriptors (CVE-2024-21626, CVE-2019-5736)


async def test_a_working_directory_can_t_lead_to_the_host_through_a_descriptor_of_ours(engine: Engine) -> None:
    for number in DESCRIPTORS:
        with pytest.raises(BoxdeckError, match="the working directory"):
            await run(engine, "true", working_dir=f"/proc/self/fd/{number}")
    assert await traces(engine) == []


async def test_the_working_directory_of_an_exec_can_t_lead_out_either(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    for number in DESCRIPTORS:
        request = ExecRequest(argv=("true",), working_dir=f"/proc/self/fd/{number}")
        with pytest.raises(BoxdeckError, match="the working directory"):
            await engine.containers.exec(container, request)


async def test_no_program_of_the_host_can_be_executed_through_a_descriptor_of_ours(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    for number in DESCRIPTORS:
        with pytest.raises(BoxdeckError, match="doesn't exist in the container"):
            await engine.containers.exec(container, ExecRequest(argv=(f"/proc/self/fd/{number}/bin/true",)))


async def test_what_an_exec_looks_like_before_its_program_runs_can_t_be_read(engine: Engine) -> None:
    spy = "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || readlink $p/exe; done; done 2>/dev/null"
    container = await start(engine, "sh", "-c", spy)
    for _ in range(10):
        session = await engine.containers.exec(container, ExecRequest(argv=("true",)))
        assert (await output(session))[1] == 0
    await engine.containers.kill(container)
    seen = {line.data async for line in engine.containers.logs(container)}
    assert not [name for name in seen if b"python" in name or b"memfd" in name]


# Root in the container against whoever looks after it


async def test_a_container_that_stops_what_enters_it_can_still_be_removed(engine: Engine) -> None:
    container = await start(engine, "sh", "-c", FLOOD_OF_STOPS)
    for _ in range(3):
        await begin_exec(engine, container)
    await engine.containers.remove(container, force=True)
    assert await traces(engine) == []


async def begin_exec(engine: Engine, container: str) -> None:
    """An exec that may never come to its program, given up by its user."""
    task = asyncio.create_task(engine.containers.exec(container, ExecRequest(argv=("true",))))
    await asyncio.wait([task], timeout=0.2)
    task.cancel()
    await asyncio.wait([task])


async def test_set_user_id_programs_of_a_container_are_out_of_reach_of_the_hosts_users(engine: Engine) -> None:
    script = "cp /bin/sh /evil; chmod 4755 /evil; chmod 4755 /etc/hosts; read forever"
    container = await start(engine, "sh", "-c", script, interactive=True)
    folder = engine.paths.container(container)
    assert folder.stat().st_mode & 0o077 == 0 and folder.stat().st_uid == 0


@pytest.mark.parametrize("userns", ["host", "auto"])
async def test_root_can_t_undo_what_is_hidden_from_it(engine: Engine, userns: str) -> None:
    script = """
        mknod /tmp/disk b 254 0; mount -o remount,rw /sys; mount -o remount,bind,rw /proc/sys; umount /proc/keys
        mount -t proc proc /mnt; mount -t tmpfs tmpfs /mnt
        unshare -Urm sh -c 'umount /proc/keys; mount -t proc proc /mnt; mount -t sysfs sys /mnt; mknod /disk b 254 0'
        echo 1 > /proc/sys/kernel/sysrq; echo b > /proc/sysrq-trigger; echo x > /sys/fs/cgroup/memory/release_agent
        cat /proc/keys; ls /sys/firmware; find / -xdev -type b; ls /mnt /proc/1/root/work /tmp/disk 2>&- || :
    """
    out, _ = await run(engine, "sh", "-c", f"exec 2>/dev/null; {script}", userns=userns)
    assert out.split() in ([], ["/mnt:"])


async def test_root_can_t_lift_its_own_limits(engine: Engine) -> None:
    mount = "mount -t cgroup2 none /mnt" if layout.detect().version == "v2" else "mount -t cgroup -o memory none /mnt"
    script = f"""{mount} && cd /mnt && for f in memory.max memory.limit_in_bytes; do
        [ ! -e $f ] || echo -1 > $f; [ ! -e $f ] || echo max > $f; done; echo tried; sleep 1000"""
    container = await start(
        engine,
        *("unshare", "-UrmC", "sh", "-c", f"exec 2>/dev/null; {script}"),
        limits=Limits(memory_bytes=64 << 20),
        security=Security(seccomp="unconfined"),  # which alone would stop unshare
    )
    async with aclosing(engine.containers.logs(container, follow=True)) as lines:
        assert (await anext(lines)).data == b"tried"
    assert Cgroup.open(engine.paths.cgroup_path(container)).read_limits().memory_bytes == 64 << 20


# Hostile images


Entry = tuple[str, bytes, str]  # name, type of tar, target of a link

HOSTILE = {
    "dev leads to etc": [("etc", tarfile.DIRTYPE, ""), ("dev", tarfile.SYMTYPE, "/etc")],
    "dev leads to proc": [("dev", tarfile.SYMTYPE, "/proc")],
    "sys leads to proc": [("sys", tarfile.SYMTYPE, "/proc")],
    "proc leads nowhere": [("proc", tarfile.SYMTYPE, "proc")],
    "etc leads out": [("etc", tarfile.SYMTYPE, "../../../../../..{victim}")],
    "etc leads out through proc": [("etc", tarfile.SYMTYPE, "/proc/1/root{victim}")],
    "hosts leads out": [("etc", tarfile.DIRTYPE, ""), ("etc/hosts", tarfile.SYMTYPE, "{victim}/hosts")],
    "hosts leads out through proc": [
        ("etc", tarfile.DIRTYPE, ""),
        ("etc/hosts", tarfile.SYMTYPE, "/proc/self/root{victim}/hosts"),
    ],
    "pts leads out": [
        ("dev", tarfile.SYMTYPE, "/other"),
        ("other", tarfile.DIRTYPE, ""),
        ("other/pts", tarfile.SYMTYPE, "{victim}"),
    ],
}


async def hostile_image(engine: Engine, folder: Path, entries: list[Entry], victim: str = "") -> str:
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for name, kind, target in [*entries, ("bin", tarfile.DIRTYPE, "")]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, target.format(victim=victim), 0o755
            tar.addfile(member)
        program = Path("/bin/busybox").read_bytes()
        member = tarfile.TarInfo("bin/sh")
        member.size, member.mode = len(program), 0o755
        tar.addfile(member, io.BytesIO(program))
    await engine.images.import_rootfs(archive, "hostile:latest")
    return "hostile:latest"


@pytest.mark.parametrize("userns", ["host", "auto"])
@pytest.mark.parametrize("trick", HOSTILE)
async def test_no_link_of_an_image_leads_what_we_make_or_mount_to_the_host(
    engine: Engine, tmp_path: Path, trick: str, userns: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "hosts").write_text("host")
    image = await hostile_image(engine, tmp_path, HOSTILE[trick], str(victim))
    before = Path("/proc/self/mountinfo").read_text()
    script = "echo gone > /etc/hosts; echo gone > /etc/new"
    with contextlib.suppress(BoxdeckError):  # to be refused is fine, too
        await run(engine, "/bin/sh", "-c", script, image=image, userns=userns, tty=True)
    assert [path.name for path in victim.iterdir()] == ["hosts"] and (victim / "hosts").read_text() == "host"
    assert not Path("/etc/new").exists() and Path("/proc/self/mountinfo").read_text() == before
    assert await traces(engine) == []


async def test_an_image_whose_resolv_conf_leads_nowhere_runs_and_has_name_servers(
    engine: Engine, tmp_path: Path
) -> None:
    link = ("etc/resolv.conf", tarfile.SYMTYPE, "../run/systemd/resolve/stub-resolv.conf")
    image = await hostile_image(engine, tmp_path, [("etc", tarfile.DIRTYPE, ""), link])
    assert (await run(engine, "/bin/sh", "-c", "while read l; do :; done < /etc/resolv.conf", image=image))[1] == 0


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.DIRTYPE])
async def test_a_passwd_that_is_no_file_names_nobody(engine: Engine, tmp_path: Path, kind: bytes) -> None:
    image = await hostile_image(engine, tmp_path, [("etc", tarfile.DIRTYPE, ""), ("etc/passwd", kind, "")])
    container = await start(engine, "/bin/sh", "-c", "read forever", image=image, interactive=True)
    with pytest.raises(InvalidRequest, match="no user named 'somebody'"):
        await engine.containers.exec(container, ExecRequest(argv=("true",), user="somebody"))
    with pytest.raises(InvalidRequest, match="no user named 'somebody'"):
        await run(engine, "true", image=image, user="somebody")


async def test_a_device_of_an_image_can_t_be_opened(engine: Engine, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    member = tarfile.TarInfo("zero")
    member.type, member.devmajor, member.devminor, member.mode = tarfile.CHRTYPE, 1, 5, 0o666
    image = await hostile_image(engine, tmp_path, [])
    with tarfile.open(archive, "a") as tar:
        tar.addfile(member)
    await engine.images.import_rootfs(archive, image)
    out, status = await run(engine, "/bin/sh", "-c", "[ -c /zero ] && read x < /zero", image=image)
    assert "Permission denied" in out and status != 0
