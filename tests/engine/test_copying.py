"""Files copied into containers, out of them and between them, whatever these are doing."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine
from engine.copying.places import Archive, ContainerPath, Copied, CopyOptions, HostPath, Place
from engine.errors import BoxdeckError, Conflict, ImageError, InvalidRequest, NotFound, StoreError, Unsupported
from engine.model import ContainerRequest, ExecRequest
from engine.options import BindMount, Security, TmpfsMount
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

ARCHIVE = CopyOptions(archive=True)
NET_RAW = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # permitted and effective (linux/capability.h)


@pytest.fixture(params=["running", "created", "exited"])
def state(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["auto", "host"])
def userns(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def box(engine: Engine, state: str, userns: str) -> str:
    """A container in some state, with and without a user namespace."""
    return await container(engine, state, userns=userns)


async def container(engine: Engine, state: str = "running", **options: object) -> str:
    wanted = {"image": "base", "command": ("sleep", "1000"), "network": "none", **options}
    request = ContainerRequest(**wanted)  # type: ignore[arg-type]
    made = await engine.containers.create(request)
    if state != "created":
        await engine.containers.start(made.id)
    if state == "exited":
        await engine.containers.kill(made.id)
    return made.id


async def copy(engine: Engine, source: Place, target: Place, how: CopyOptions | None = None) -> Copied:
    return await engine.files.copy(source, target, how or CopyOptions())


async def into(engine: Engine, source: Path | str, box: str, path: str, how: CopyOptions | None = None) -> Copied:
    return await copy(engine, HostPath(str(source)), ContainerPath(box, path), how)


async def out(engine: Engine, box: str, path: str, target: Path | str, how: CopyOptions | None = None) -> Copied:
    return await copy(engine, ContainerPath(box, path), HostPath(str(target)), how)


async def inside(engine: Engine, box: str, script: str, user: str | None = None) -> str:
    """What a shell in the container says, which is started for it if need be."""
    await engine.containers.start(box)
    session = await engine.containers.exec(box, ExecRequest(argv=("sh", "-c", script), user=user))
    data = b""
    while (chunk := await session.read()) is not None:
        data += chunk.data
    return data.decode().strip()


def grove(top: Path) -> Path:
    """A folder with one of everything."""
    folder = top / "grove"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "plain").write_text("plain\n")
    (folder / "plain").chmod(0o640)
    (folder / "odd \udcff\n name").write_text("odd")
    (folder / "link").symlink_to("/nowhere/at all")
    (folder / "deep" / "twin").hardlink_to(folder / "plain")
    os.mkfifo(folder / "fifo", 0o604)
    with (folder / "holes").open("wb") as file:
        file.write(b"begin")
        file.seek(300 << 20)
        file.write(b"end")
    os.setxattr(folder / "plain", "user.colour", b"green")
    (folder / "deep" / "er").chmod(0o1711)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, ns=(10**18, 10**18 + 123_456_789), follow_symlinks=False)
    return folder


def described(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that a copy must have in common with what it is a copy of."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content: object = None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            with path.open("rb") as file:
                content = (status.st_size, file.read(100), os.listxattr(path), status.st_nlink)
        mode = status.st_mode
        found[str(path.relative_to(folder))] = (mode, status.st_mtime_ns, content)
    return found


async def test_everything_comes_back_as_it_went_in(engine: Engine, box: str, tmp_path: Path) -> None:
    source = grove(tmp_path)
    copied = await into(engine, source, box, "/opt/grove")
    assert (copied.entries, copied.left_out) == (9, ())
    await out(engine, box, "/opt/grove", tmp_path / "back")
    back = tmp_path / "back"
    assert described(back) == described(source)
    assert (back / "plain").samefile(back / "deep" / "twin")
    assert (back / "holes").stat().st_blocks < 1 << 12
    assert os.getxattr(back / "plain", "user.colour") == b"green"


async def test_copies_belong_to_root_inside_and_to_the_caller_outside(
    engine: Engine, box: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "file"
    source.write_text("x")
    os.chown(source, 1234, 2345)
    source.chmod(0o4755)
    await into(engine, source, box, "/opt/file")
    await into(engine, source, box, "/opt/kept", ARCHIVE)
    await into(engine, source, box, "/opt/given", CopyOptions(owner="33:nogroup"))
    monkeypatch.setenv("SUDO_UID", "4321")
    monkeypatch.setenv("SUDO_GID", "5432")
    await out(engine, box, "/opt/kept", tmp_path / "mine")
    await out(engine, box, "/opt/kept", tmp_path / "theirs", ARCHIVE)
    await out(engine, box, "/opt/kept", tmp_path / "daemon's", CopyOptions(owner="daemon"))
    seen = [(path.stat().st_uid, path.stat().st_gid, oct(path.stat().st_mode)) for path in sorted(tmp_path.iterdir())]
    assert seen == [(1, 1, "0o100755"), (1234, 2345, "0o104755"), (4321, 5432, "0o100755"), (1234, 2345, "0o104755")]
    listed = await inside(engine, box, "stat -c '%n %u:%g %a' /opt/*")
    assert listed.splitlines() == ["/opt/file 0:0 755", "/opt/given 33:65534 755", "/opt/kept 1234:2345 4755"]


async def test_file_capabilities_hold_inside_and_only_if_owners_are_kept(
    engine: Engine, box: str, tmp_path: Path
) -> None:
    """In a user namespace they must be its root's (capabilities(7)), and outside anybody's again."""
    source = tmp_path / "cat"
    await out(engine, box, "/usr/bin/cat", source, CopyOptions(follow_link=True))
    os.setxattr(source, "security.capability", NET_RAW)
    await into(engine, source, box, "/opt/raw", ARCHIVE)
    await into(engine, source, box, "/opt/bare")
    await out(engine, box, "/opt/raw", tmp_path / "back", ARCHIVE)
    await out(engine, box, "/opt/raw", tmp_path / "bare")
    assert os.getxattr(tmp_path / "back", "security.capability") == NET_RAW
    assert "security.capability" not in os.listxattr(tmp_path / "bare")
    script = "for name in raw bare; do /opt/$name /proc/self/status | grep CapEff; done"
    assert (await inside(engine, box, script, user="1000")).split()[1::2] == [f"{1 << 13:016x}", f"{0:016x}"]


async def test_what_is_mounted_is_what_one_sees(engine: Engine, state: str, userns: str, tmp_path: Path) -> None:
    """A volume's files are reached also when the container doesn't run, with the owners that it sees."""
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "theirs").write_text("volume's")
    os.chown(volume / "theirs", 7, 8)
    bind = BindMount(source=str(volume), destination="/data/volume")
    box = await container(engine, state, userns=userns, binds=(bind,))
    source = tmp_path / "new"
    source.write_text("new")
    await into(engine, source, box, "/data/volume/new")
    await out(engine, box, "/data/volume/theirs", tmp_path / "theirs", ARCHIVE)
    assert (volume / "new").read_text() == "new"
    assert ((volume / "new").stat().st_uid, (volume / "new").stat().st_gid) == (0, 0)
    assert ((tmp_path / "theirs").stat().st_uid, (tmp_path / "theirs").stat().st_gid) == (7, 8)
    assert "/data/volume/new" not in [change.path for change in await engine.layers.changes(box)]


async def test_a_file_that_is_mounted_is_written_into(engine: Engine, box: str, tmp_path: Path) -> None:
    source = tmp_path / "hosts"
    source.write_text("127.0.0.1 there\n")
    await into(engine, source, box, "/etc/hosts")
    assert await inside(engine, box, "cat /etc/hosts") == "127.0.0.1 there"
    await into(engine, source, box, "/etc/hostname")
    assert await inside(engine, box, "cat /etc/hostname") == "127.0.0.1 there"


async def test_a_paused_container_s_files_can_be_copied(engine: Engine, tmp_path: Path) -> None:
    box = await container(engine)
    from engine.cgroups.manager import Cgroup

    cgroup = Cgroup.open(engine.paths.cgroup_path(box))
    cgroup.freeze()
    try:
        await out(engine, box, "/etc/passwd", tmp_path)
        await into(engine, tmp_path / "passwd", box, "/tmp/")
    finally:
        cgroup.thaw()
    assert "root" in await inside(engine, box, "cat /tmp/passwd")


async def test_files_go_from_one_container_to_another(engine: Engine, state: str, tmp_path: Path) -> None:
    one, two = await container(engine, state), await container(engine, state, userns="host")
    await into(engine, grove(tmp_path), one, "/opt", CopyOptions(owner="5:6"))
    await copy(engine, ContainerPath(one, "/opt/grove"), ContainerPath(two, "/opt"), ARCHIVE)
    await copy(engine, ContainerPath(one, "/opt/grove/."), ContainerPath(one, "/opt/again"), ARCHIVE)
    for box, path in ((two, "/opt/grove"), (one, "/opt/again")):
        target = tmp_path / box / path.replace("/", "")
        target.parent.mkdir(exist_ok=True)
        await out(engine, box, path, target, ARCHIVE)
        assert described(target) == described(tmp_path / "grove")
        assert {(p.lstat().st_uid, p.lstat().st_gid) for p in (target, *target.rglob("*"))} == {(5, 6)}


async def test_an_archive_goes_in_and_comes_out(engine: Engine, box: str, tmp_path: Path) -> None:
    grove(tmp_path)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(tmp_path / "grove", "grove", filter=lambda member: None if "holes" in member.name else member)
        member = tarfile.TarInfo("bin/through-a-link")  # /bin is a link in many images
        member.uid, member.size, member.mode = 77, 4, 0o755
        tar.addfile(member, io.BytesIO(b"data"))
    packed.seek(0)
    copied = await copy(engine, Archive(packed), ContainerPath(box, "/"), ARCHIVE)
    assert copied.entries == 9
    result = io.BytesIO()
    await copy(engine, ContainerPath(box, "/grove"), Archive(result))
    result.seek(0)
    with tarfile.open(fileobj=result) as tar:
        names = sorted(member.name for member in tar)
        assert names[:3] == ["grove", "grove/deep", "grove/deep/er"]
        assert tar.extractfile("grove/plain").read() == b"plain\n"  # type: ignore[union-attr]
    assert await inside(engine, box, "stat -c %u /bin/through-a-link; readlink /bin; ls /usr/bin/thr*") == (
        "77\nusr/bin\n/usr/bin/through-a-link"
    )


async def test_a_folder_that_exists_keeps_what_it_wears(engine: Engine, box: str, tmp_path: Path) -> None:
    source = tmp_path / "opt"
    source.mkdir(mode=0o700)
    (source / "new").write_text("x")
    await into(engine, source, box, "/")
    await into(engine, f"{source}/.", box, "/opt/.")
    assert await inside(engine, box, "stat -c '%a %u' /opt; ls /opt") == "755 0\nnew"


async def test_links_are_copied_and_followed_where_that_is_meant(engine: Engine, box: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    await into(engine, tmp_path / "link", box, "/opt/link")
    await into(engine, tmp_path / "link", box, "/opt/followed", CopyOptions(follow_link=True))
    await into(engine, f"{tmp_path}/link/", box, "/opt/slash")
    await into(engine, tmp_path / "loop", box, "/opt/loop")
    with pytest.raises(Conflict, match="leads through a link"):
        await into(engine, tmp_path / "loop", box, "/opt/x", CopyOptions(follow_link=True))
    with pytest.raises(Conflict, match="leads through a link"):
        await into(engine, tmp_path / "real" / "file", box, "/opt/loop/x")
    script = "cd /opt; readlink link; ls followed slash; ln -s /opt/target l; mkdir d; ln -s d dl"
    assert (await inside(engine, box, script)).split() == ["real", "followed:", "file", "slash:", "file"]
    await into(engine, tmp_path / "real" / "file", box, "/opt/l")  # a target that is a link is followed
    await into(engine, tmp_path / "real" / "file", box, "/opt/dl")
    assert await inside(engine, box, "cat /opt/target /opt/d/file; test -L /opt/l && echo link") == "xxlink"


async def test_sockets_and_devices_are_left_out_and_said_so(engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.mknod(source / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(source / "socket", stat.S_IFSOCK | 0o600)
    (source / "file").write_text("x")
    box = await container(engine)
    copied = await into(engine, source, box, "/opt", ARCHIVE)
    assert copied.left_out == (
        "device is left out: devices can't be copied",
        "socket is left out: sockets can't be copied",
    )
    assert await inside(engine, box, "ls /opt/source") == "file"
    for name in ("device", "socket"):
        with pytest.raises(Unsupported, match=f"{name}s can't be copied"):
            await into(engine, source / name, box, "/opt/x")
    with pytest.raises(Conflict, match="is a device"):
        await into(engine, source / "file", box, "/dev/null")
    assert await inside(engine, box, "ls -l /dev/null | cut -c 1") == "c"


async def test_what_is_the_kernel_s_is_neither_read_nor_written(engine: Engine, userns: str, tmp_path: Path) -> None:
    box = await container(engine, userns=userns)
    await inside(engine, box, "ln -s /proc/sys/kernel /opt/knobs; ln -s /proc/1/root /opt/root")
    (tmp_path / "file").write_text("x")
    for path in ("/proc/version", "/proc", "/sys/kernel", "/opt/knobs/.", "/dev/pts"):
        with pytest.raises(Unsupported, match="belongs to the kernel"):
            await out(engine, box, path, tmp_path / "x")
    for path in ("/proc/sys/kernel/domainname", "/opt/knobs/domainname", "/sys/x"):
        with pytest.raises(BoxdeckError, match=r"belongs to the kernel|read-only"):
            await into(engine, tmp_path / "file", box, path)
    with pytest.raises(BoxdeckError, match=r"^(there is no|.* leads through a link)"):
        await out(engine, box, "/opt/root/etc/passwd", tmp_path / "x")
    copied = await out(engine, box, "/", tmp_path / "all")
    assert any(sentence.startswith("proc is left out") for sentence in copied.left_out)
    assert (tmp_path / "all" / "etc" / "passwd").exists() and not os.listdir(tmp_path / "all" / "proc")


async def test_a_privileged_container_s_knobs_are_out_of_reach(engine: Engine, tmp_path: Path) -> None:
    box = await container(engine, security=Security(privileged=True))
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unsupported, match="belongs to the kernel"):
        await into(engine, tmp_path / "file", box, "/proc/sys/kernel/domainname")


async def test_a_root_that_is_read_only_stays_so(engine: Engine, state: str, tmp_path: Path) -> None:
    box = await container(engine, state, read_only=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(Conflict, match=r"/opt/file of .* is on a read-only file system"):
        await into(engine, tmp_path / "file", box, "/opt/file")
    await out(engine, box, "/etc/passwd", tmp_path)


WRONG: dict[str, tuple[tuple[str, str], type[BoxdeckError], str]] = {
    "no source": (("{top}/nothing", "/opt"), NotFound, "there is no .*/nothing"),
    "a file as folder": (("{top}/file/", "/opt"), Conflict, "file/ is no folder"),
    "below a file": (("{top}/file/x", "/opt"), Conflict, "in something that is no folder"),
    "no parent": (("{top}/file", "/opt/a/b"), NotFound, "no folder that /opt/a/b of .* could be in"),
    "no folder": (("{top}/file", "/opt/a/"), NotFound, "the folder /opt/a/ of .* doesn't exist"),
    "a folder over a file": (("{top}/folder", "/etc/passwd"), Conflict, "can't be copied over the file"),
    "a file over a folder": (("{top}/folder/.", "/"), Conflict, "'etc' is a file to be copied, and a folder"),
    "below a file inside": (("{top}/file", "/etc/passwd/x"), Conflict, "in something that is no folder"),
    "nothing": (("", "/opt"), InvalidRequest, "'' is no path"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_can_t_be_is_said_in_one_sentence(engine: Engine, case: str, tmp_path: Path) -> None:
    box = await container(engine, "created")
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "etc").write_text("x")
    (source, target), kind, words = WRONG[case]
    with pytest.raises(kind, match=words) as caught:
        await into(engine, source.format(top=tmp_path), box, target)
    assert "\n" not in str(caught.value)
    assert await engine.layers.changes(box) == ()


async def test_requests_that_can_t_be(engine: Engine, tmp_path: Path) -> None:
    box = await container(engine, "created", userns="0:100000:10")
    (tmp_path / "file").write_text("x")
    os.chown(tmp_path / "file", 11, 0)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidRequest, match="neither side"):
        await copy(engine, HostPath("/etc/passwd"), HostPath("/tmp/x"))
    with pytest.raises(InvalidRequest, match="both kept and given"):
        await into(engine, tmp_path / "file", box, "/opt", CopyOptions(archive=True, owner="root"))
    with pytest.raises(InvalidRequest, match="has no id 11"):
        await into(engine, tmp_path / "file", box, "/opt", ARCHIVE)
    with pytest.raises(InvalidRequest, match="nobody-at-all"):
        await into(engine, tmp_path / "file", box, "/opt", CopyOptions(owner="nobody-at-all"))
    with pytest.raises(InvalidRequest, match="can't be copied into itself"):
        await copy(engine, ContainerPath(box, "/usr"), ContainerPath(box, "/usr/bin"))
    with pytest.raises(NotFound, match="no container"):
        await out(engine, "ghost", "/etc", tmp_path)
    with pytest.raises(NotFound, match="there is no folder /etc/passwd of"):
        await copy(engine, Archive(io.BytesIO(b"")), ContainerPath(box, "/etc/passwd"))
    with pytest.raises(ImageError, match="damaged"):
        await copy(engine, Archive(io.BytesIO(b"x" * 1024)), ContainerPath(box, "/opt"))
    assert await engine.layers.changes(box) == ()


async def test_what_will_be_in_memory_isn_t_there_yet(engine: Engine, state: str, tmp_path: Path) -> None:
    """What is written below a tmpfs, or /proc, would be hidden when the container runs."""
    box = await container(engine, state, tmpfs=(TmpfsMount(destination="/tmp"),))
    (tmp_path / "file").write_text("x")
    if state == "running":
        await into(engine, tmp_path / "file", box, "/tmp/")
        assert await inside(engine, box, "ls /tmp") == "file"
        return
    for place in ("/tmp/", "/proc/", "/dev/"):
        with pytest.raises(Conflict, match="read-only file system: start it first"):
            await into(engine, tmp_path / "file", box, place)
    await out(engine, box, "/dev", tmp_path / "empty")
    assert os.listdir(tmp_path / "empty") == []


async def test_access_control_lists_are_kept_with_owners(engine: Engine, box: str, tmp_path: Path) -> None:
    """Their ids are the container's."""
    entries = ((1, 6, -1), (2, 4, 1000), (4, 0, -1), (16, 4, -1), (32, 0, -1))  # u::rw- u:1000:r-- g::--- m::r-- o::---
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    (tmp_path / "file").write_text("secret")
    os.setxattr(tmp_path / "file", "system.posix_acl_access", value)
    await into(engine, tmp_path / "file", box, "/opt/kept", ARCHIVE)
    await into(engine, tmp_path / "file", box, "/opt/plain")
    await out(engine, box, "/opt/kept", tmp_path / "back", ARCHIVE)
    assert os.getxattr(tmp_path / "back", "system.posix_acl_access") == value
    assert await inside(engine, box, "cat /opt/kept", user="1000") == "secret"
    assert "denied" in await inside(engine, box, "cat /opt/kept", user="1001")
    await out(engine, box, "/opt/plain", tmp_path / "plain", ARCHIVE)
    assert os.listxattr(tmp_path / "plain") == []


async def test_a_full_disk_leaves_no_half_file(engine: Engine, tmp_path: Path) -> None:
    box = await container(engine, tmpfs=(TmpfsMount(destination="/small", options=("size=64k",)),))
    (tmp_path / "file").write_bytes(os.urandom(1 << 20))
    with pytest.raises(StoreError, match="the disk is full"):
        await into(engine, tmp_path / "file", box, "/small/")
    assert await inside(engine, box, "ls -A /small") == ""


async def test_a_container_that_ends_meanwhile_is_missed(engine: Engine) -> None:
    box = await container(engine)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source:
        job = engine.files.copy(Archive(source), ContainerPath(box, "/opt"))
        await anext(aiter(job))
        os.write(writing, half_an_archive())
        await engine.containers.kill(box)
        with pytest.raises(Conflict, match="has ended meanwhile"):
            await job
        os.close(writing)


async def test_a_copy_that_is_cancelled_leaves_no_half_file_and_lets_go(engine: Engine) -> None:
    box = await container(engine, "created")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source:
        job = engine.files.copy(Archive(source), ContainerPath(box, "/opt"))
        await anext(aiter(job))
        os.write(writing, half_an_archive())
        starting = asyncio.ensure_future(engine.containers.start(box))
        await asyncio.sleep(0.5)
        assert not starting.done()  # nobody starts a container whose files are being copied
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        os.close(writing)
    await starting
    assert await inside(engine, box, "ls -A /opt") == ""


def every_thread_is_at_home() -> bool:
    """Whether every thread is in the same mount namespace, and root."""
    try:
        tasks = list(Path("/proc/self/task").iterdir())
        places = {os.readlink(task / "ns" / "mnt") for task in tasks}
        return len(places) == 1 and all("Uid:\t0\t0\t0\t0\n" in (task / "status").read_text() for task in tasks)
    except OSError:  # one has just ended
        return False


async def eventually(condition: Callable[[], bool]) -> bool:
    for _ in range(500):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


def half_an_archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = 20000
        tar.addfile(member, io.BytesIO(b"x" * 20000))
    return packed.getvalue()[:10000]


async def test_nothing_stays_mounted_open_or_changed(engine: Engine, state: str, tmp_path: Path) -> None:
    box = await container(engine, state)
    await out(engine, box, "/etc/passwd", tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    umask = os.umask(0o022)
    os.umask(umask)
    for _ in range(3):
        await out(engine, box, "/etc/passwd", tmp_path)
        await into(engine, tmp_path / "passwd", box, "/opt")
    assert len(os.listdir("/proc/self/fd")) == before
    assert "/bundle/rootfs" not in Path("/proc/self/mountinfo").read_text()
    assert await eventually(every_thread_is_at_home)
    await engine.containers.remove(box, force=True)
    assert await traces(engine) == []
