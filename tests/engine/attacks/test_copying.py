"""A container that rearranges its files while they are copied: into it, out of it and below it.

Every attack is tried against the same canary: a folder of the host's that nothing may read from or write to.
"""

from __future__ import annotations

import asyncio
import ctypes
import io
import os
import platform
import stat
import subprocess
import sys
import tarfile
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.copying.places import Archive, ContainerPath, CopyOptions, HostPath
from engine.errors import BoxdeckError
from engine.options import Security
from tests.engine.attacks.inside import execute, first_line, perl, start

pytestmark = pytest.mark.vm

ROUNDS = 200
MOST_ROUNDS = 20 * ROUNDS
SECRET, FOLDERS, ROOTS, OURS = "the host's secret", "the folder's", "the root's", "ours"
MAKERS = {"implied": "mkdir", "folder": "mkdir", "file": "open", "fifo": "mkfifo", "link": "symlink"}
ARCHIVE = CopyOptions(archive=True)
_RENAME_EXCHANGE = 2
_libc = ctypes.CDLL(None, use_errno=True)
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}[platform.machine()]

# Exchanges two names as fast as it can (RENAME_EXCHANGE), and says so when it has begun.
RACER = f"""
    my ($one, $other) = @ARGV;
    print "racing\\n";
    for (;;) {{ syscall({_RENAMEAT2}, -100, $one, -100, $other, 2) }}
"""


class Canary:
    """A folder of the host's with a secret in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "canary"
        self.folder.mkdir(mode=0o700)
        self.secret = self.folder / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self._before = self._look()

    def _look(self) -> list[tuple[object, ...]]:
        found = [self.folder, *sorted(self.folder.rglob("*"))]
        return [(path, path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_mtime_ns) for path in found]

    @property
    def is_well(self) -> bool:
        """Whether nobody has changed anything."""
        return self._look() == self._before and self.secret.read_text() == SECRET


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path)


@pytest.fixture(params=["/", "../../../../../../../.."])
def leads_to(request: pytest.FixtureRequest) -> str:
    """Where the attacker's link leads: to the root of whoever follows it."""
    return str(request.param)


@pytest.fixture
async def racing(attacked: Engine, userns: str, canary: Canary, leads_to: str) -> str:
    """A container where ``/race/spot`` is now a folder and now a link, and the canary's path exists below both."""
    box = await start(attacked, "sleep", "1000", userns=userns)
    for top, text in (("", ROOTS), ("/race/spot", FOLDERS)):
        where = f"{top}{canary.folder}"
        await execute(attacked, box, "sh", "-c", f'mkdir -p {where}; printf "{text}" > {where}/secret')
    await execute(attacked, box, "ln", "-s", leads_to, "/race/link")
    await begin(attacked, box, RACER, "/race/spot", "/race/link")
    return box


async def begin(engine: Engine, box: str, script: str, *words: str) -> None:
    """Start a further process in a container, and wait until it is at work."""
    shell = 'setsid "$@" > /tmp/begun 2>&1 < /dev/null &'
    await execute(engine, box, "sh", "-c", shell, "sh", *perl(script), *words)
    for _ in range(1000):
        if (said := await execute(engine, box, "cat", "/tmp/begun")) == "racing\n":
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the racer didn't begin: {said}")


async def tried(attempt: Awaitable[object]) -> str:
    """How a copy ended, which may be refused while names come and go."""
    try:
        await attempt
    except BoxdeckError:
        return "refused"
    return "copied"


async def test_a_path_that_becomes_a_link_is_never_read_outside(
    attacked: Engine, racing: str, canary: Canary, tmp_path: Path
) -> None:
    """CVE-2018-15664, out of the container.

    Tried with `locate` opening paths by plain open(2) below /proc/self/fd/ROOT: with an absolute link the host's secret
    is read.
    """
    target, seen = tmp_path / "copy", set()
    for number in range(MOST_ROUNDS):
        copy = attacked.files.copy(ContainerPath(racing, f"/race/spot{canary.secret}"), HostPath(str(target)))
        if await tried(copy) == "copied":
            seen.add(target.read_text())
        assert seen <= {ROOTS, FOLDERS}
        if number >= ROUNDS and len(seen) == 2:
            return
    raise AssertionError(f"the race was never on: only {seen} came out")


async def test_a_path_that_becomes_a_link_is_never_written_outside(
    attacked: Engine, racing: str, canary: Canary, tmp_path: Path
) -> None:
    """CVE-2018-15664, into the container: both files of its own are met, and the host's never.

    Tried as above: the canary is written to.
    """
    ours = tmp_path / "ours"
    ours.write_text(OURS)
    for _ in range(MOST_ROUNDS // ROUNDS):
        for _ in range(ROUNDS):
            target = ContainerPath(racing, f"/race/spot{canary.secret}")
            await tried(attacked.files.copy(HostPath(str(ours)), target))
            assert canary.is_well
        if await execute(attacked, racing, "cat", f"{canary.secret}", f"/race/spot{canary.secret}") == OURS * 2:
            return
    raise AssertionError("the race was never on")


async def test_a_folder_that_becomes_a_link_is_never_walked_outside(
    attacked: Engine, racing: str, canary: Canary, tmp_path: Path
) -> None:
    """The same while a whole folder is copied, time after time to the same place.

    There a link may lie from last time, which would lead what is below it to the host's files. Tried with
    `tree` opening folders without RESOLVE_NO_SYMLINKS: the host's files are among the copies.
    """
    target = tmp_path / "copies"
    target.mkdir()
    for _ in range(ROUNDS):
        await tried(attacked.files.copy(ContainerPath(racing, "/race/."), HostPath(str(target))))
        assert canary.is_well
        assert texts(target) <= {FOLDERS}


def texts(folder: Path) -> set[str]:
    """What is in the files below a folder, no link followed."""
    found = set()
    for top, _, names in os.walk(folder):
        found |= {Path(top, name).read_text() for name in names if not Path(top, name).is_symlink()}
    return found


async def test_a_folder_that_becomes_a_link_is_never_filled_outside(
    attacked: Engine, racing: str, canary: Canary, tmp_path: Path
) -> None:
    """The same while a whole folder is copied into the container.

    Tried with `transfer._folders_below` opening folders without RESOLVE_NO_SYMLINKS: the canary is written to.
    """
    source = tmp_path / "source"
    place = Path(f"{source}/spot{canary.folder}")
    place.mkdir(parents=True)
    (place / "secret").write_text(OURS)
    (place / "new").write_text(OURS)
    outcomes = set()
    for number in range(MOST_ROUNDS):
        copy = attacked.files.copy(HostPath(f"{source}/."), ContainerPath(racing, "/race"), ARCHIVE)
        outcomes.add(await tried(copy))
        assert canary.is_well
        if number >= ROUNDS and "refused" in outcomes:
            return
    raise AssertionError("the race was never on")


@pytest.mark.parametrize(("kind", "makes"), MAKERS.items())
async def test_what_is_exchanged_for_a_link_as_it_is_made_dresses_nothing_outside(
    attacked: Engine, canary: Canary, kind: str, makes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Owners and modes are given by descriptor: a name may be a link to the host's files by then.

    The exchange comes at the worst moment, right after the name was made. Tried with chmod and chown by name in
    `paths._with_mode` and `dress.put_on_node`, and without O_NOFOLLOW in `placer._FOLDER`: the canary has another mode.
    """
    box = await start(attacked, "sleep", "1000", userns="host")
    victim = canary.folder if kind in ("implied", "folder") else canary.secret
    await execute(attacked, box, "sh", "-c", f"mkdir /race; ln -s {victim} /race/link")
    exchanged = []
    real = getattr(os, makes)

    def and_exchange(*words: Any, dir_fd: int | None = None) -> Any:
        made = real(*words, dir_fd=dir_fd)
        name = str(words[1] if makes == "symlink" else words[0])
        if name == "fresh" or name.startswith(".boxdeck-cp-"):
            exchanged.append(_libc.renameat2(dir_fd, name.encode(), dir_fd, b"link", _RENAME_EXCHANGE))
        return made

    monkeypatch.setattr(os, makes, and_exchange)
    archive = Archive(io.BytesIO(one_entry(kind)))
    with suppress(BoxdeckError):
        await attacked.files.copy(archive, ContainerPath(box, "/race"), ARCHIVE)
    assert exchanged[0] == 0
    assert canary.is_well


def one_entry(kind: str) -> bytes:
    """An archive of one thing, with an owner and a mode that one would see elsewhere."""
    packed = io.BytesIO()
    types = {"folder": tarfile.DIRTYPE, "fifo": tarfile.FIFOTYPE, "link": tarfile.SYMTYPE}
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("fresh/x" if kind == "implied" else "fresh" if kind == "folder" else "thing")
        member.type = types.get(kind, tarfile.REGTYPE)
        member.mode, member.uid, member.gid, member.linkname = 0o777, 1000, 1000, "anywhere" if kind == "link" else ""
        tar.addfile(member)
    return packed.getvalue()


async def test_a_file_that_becomes_a_fifo_keeps_nobody_waiting(attacked: Engine, userns: str, tmp_path: Path) -> None:
    """Opening a fifo waits for its other end, and so does writing to one: for ever.

    Tried with `tree.Tree.opened` opening by name before looking: it waits.
    """
    box = await start(attacked, "sleep", "1000", userns=userns)
    script = "mkdir /race; mkfifo /race/fifo; echo > /race/file"
    await execute(attacked, box, "sh", "-c", script)
    await begin(attacked, box, RACER, "/race/file", "/race/fifo")
    (tmp_path / "ours").write_text(OURS)
    kinds = set()
    for number in range(MOST_ROUNDS):
        target = tmp_path / str(number)
        await asyncio.wait_for(attacked.files.copy(ContainerPath(box, "/race/file"), HostPath(str(target))), 60)
        kinds.add(stat.S_IFMT(target.lstat().st_mode))
        if number >= ROUNDS and len(kinds) == 2:
            break
    assert kinds == {stat.S_IFREG, stat.S_IFIFO}
    for _ in range(20):
        into = attacked.files.copy(HostPath(str(tmp_path / "ours")), ContainerPath(box, "/race/fifo"))
        await asyncio.wait_for(into, 60)


WITNESS = """
import asyncio, os, sys
seen = []
sys.addaudithook(lambda event, given: seen.append(event) if event.startswith(WATCHED) else None)
WATCHED = ("os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "subprocess.", "os.chroot")
from engine import Engine
from engine.copying.places import ContainerPath, CopyOptions, HostPath
async def main():
    root, run, box, folder = sys.argv[1:]
    async with Engine.open(root, run) as engine:
        await engine.files.copy(HostPath(folder), ContainerPath(box, "/tmp"), CopyOptions(owner="user"))
        await engine.files.copy(ContainerPath(box, "/etc"), HostPath(folder))
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split()
            if len(fields) > 5 and fields[5].startswith("/") and int(fields[4]):
                if not os.path.samefile(fields[5], f"/proc/self/map_files/{fields[0]}"):
                    seen.append(f"maps {fields[5]}")
    print(*seen)
asyncio.run(main())
"""


@pytest.mark.parametrize("running", [True, False])
async def test_no_program_or_library_of_the_container_s_is_used(
    attacked: Engine, userns: str, tmp_path: Path, running: bool
) -> None:
    """CVE-2019-14271: docker-tar, in the container's root, loaded the container's libnss to look up owners.

    Tried with a program that is asked for the owner (``id``): that it is executed is noticed.
    """
    box = await start(attacked, "sleep", "1000", userns=userns)
    if not running:
        await attacked.containers.kill(box)
    (tmp_path / "file").write_text(OURS)
    folders = (str(attacked.paths.root), str(attacked.paths.runroot))
    argv = [sys.executable, "-c", WITNESS, *folders, box, str(tmp_path)]
    ended = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "", "")
    assert (tmp_path / "etc" / "passwd").exists()


async def test_a_container_in_a_root_of_its_own_making_shows_no_more(attacked: Engine, tmp_path: Path) -> None:
    """The first process may have another root directory than it began with, such as its /proc.

    Tried without the look at file systems in `kernel_files`: the kernel's files are copied.
    """
    box = await start(
        attacked, *perl('chroot("/proc"); chdir("/"); print "there\\n"; sleep 1000'), security=Security(privileged=True)
    )
    assert await first_line(attacked, box) == "there"
    for path in ("/version", "/", "/1/root/etc/passwd", "/sys/kernel/."):
        with pytest.raises(BoxdeckError):
            await attacked.files.copy(ContainerPath(box, path), HostPath(str(tmp_path / "x")))
    (tmp_path / "file").write_text(OURS)
    with pytest.raises(BoxdeckError):
        await attacked.files.copy(HostPath(str(tmp_path / "file")), ContainerPath(box, "/sys/kernel/domainname"))
