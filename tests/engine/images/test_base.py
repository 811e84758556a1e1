"""The image `base`: made from this machine, runs by itself, and holds nothing private."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from engine.images.base_nodes import busybox_applets, collect_nodes, find_program
from engine.images.elf import parse_elf
from engine.images.images import Images
from engine.images.layers import lower_directories, read_file
from engine.images.users import resolve_user
from engine.paths import Paths
from engine.store.database import Database

SECRETS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{60}")


@pytest.fixture
async def root(images: Images, paths: Paths) -> Path:
    """The unpacked layer."""
    (lower,) = lower_directories(paths, await images.ensure("base"))
    return lower


def run(root: Path, script: str, shell: str = "/bin/sh", *arguments: str) -> str:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["chroot", str(root), shell, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def read_if_there(path: str) -> bytes:
    return Path(path).read_bytes().strip() if Path(path).exists() else b""


async def test_its_everyday_tools_run(root: Path) -> None:
    assert run(root, "echo hello | sed s/hello/bye/ | awk '{print $1 \"!\"}' | grep -o bye.") == "bye!\n"
    assert run(root, "find /etc -name passwd -exec cat {} + | head -1") == "root:x:0:0:root:/root:/bin/sh\n"
    assert run(root, "id -un; stat -c %a /tmp; basename $(readlink /bin)") == "root\n1777\nbin\n"
    assert run(root, "ls / | sort | tr '\\n' ' '").startswith("bin dev etc home")
    assert run(root, "cd /tmp && tar cf - -C /etc passwd | tar tf -") == "passwd\n"
    assert "Boxdeck base" in run(root, ". /etc/os-release; echo $PRETTY_NAME")


async def test_every_program_finds_its_libraries(root: Path) -> None:
    """The dynamic linker itself says so, called by hand inside the image."""
    linker = next((path for path in root.glob("usr/lib*/ld-*.so*")), None)
    if linker is None:
        pytest.skip("the tools of this machine are static")
    headers = {path: parse_elf(path.read_bytes()) for path in root.glob("usr/*bin/*")}
    inside = [f"/{path.relative_to(root)}" for path, elf in headers.items() if elf and elf.interpreter]
    script = (
        f'for program; do /{linker.relative_to(root)} --list "$program" | grep "not found" && echo "$program"; done'
    )
    assert len(inside) > 100
    assert run(root, f"{script}; true", "/bin/sh", "sh", *inside) == ""


@pytest.mark.skipif(find_program("bash") is None, reason="this machine has no bash to copy")
async def test_bash_is_there_when_this_machine_has_it(root: Path) -> None:
    assert run(root, "echo ${BASH_VERSION:+yes}", "/bin/bash") == "yes\n"


@pytest.mark.skipif(find_program("tput") is None, reason="this machine has no tput to copy")
async def test_terminals_are_known(root: Path) -> None:
    assert run(root, "tput -T xterm-256color colors; tput -T vt100 cols") == "256\n80\n"


async def test_the_prompt_says_where_one_is(root: Path) -> None:
    assert run(root, 'cd /etc; PS4=; . /etc/profile; . /etc/shrc; eval "echo \\"$PS1\\""').endswith(":/etc# \n")


async def test_nothing_private_is_in_it(root: Path) -> None:
    host_name = socket.gethostname().encode()
    machine_id = read_if_there("/etc/machine-id")
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and not path.is_symlink()}
    assert {name for name in found if not name.startswith("usr/")} == {
        "etc/group",
        "etc/hostname",
        "etc/hosts",
        "etc/nsswitch.conf",
        "etc/os-release",
        "etc/passwd",
        "etc/profile",
        "etc/resolv.conf",
        "etc/shrc",
        "root/.bashrc",
        "root/.vimrc",
    }
    for name in found:
        content = (root / name).read_bytes()
        assert not SECRETS.search(content), name
        assert not machine_id or machine_id not in content, name
        if name.startswith("etc/"):
            assert len(host_name) < 4 or host_name not in content, name


async def test_all_of_it_is_roots_and_nothing_gains_privileges(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        status = path.lstat()
        assert (status.st_uid, status.st_gid) == (0, 0), path
        assert stat.S_ISLNK(status.st_mode) or not status.st_mode & (stat.S_ISUID | stat.S_ISGID), path
        assert path.is_symlink() or "security.capability" not in os.listxattr(path), path
        assert stat.S_IFMT(status.st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK), path
    assert stat.S_IMODE((root / "root").stat().st_mode) == 0o700


async def test_it_is_a_normal_image(images: Images, paths: Paths) -> None:
    job = images.ensure("base")
    steps = [progress.what async for progress in job]
    image = await job
    assert steps and all(steps)
    assert image.references == ("base:latest",)
    assert image.config.command == ("/bin/sh",)
    assert image.config.working_dir == "/"
    assert any(entry.startswith("PATH=") for entry in image.config.env)
    assert image.size_bytes > 1_000_000
    assert await images.list() == (image,)
    assert await images.get(image.id[:15]) == image
    assert (paths.blobs / "sha256" / image.id.removeprefix("sha256:")).is_file()
    assert os.listdir(paths.temporary) == []


async def test_the_same_machine_gives_the_same_digest(images: Images, tmp_path: Path) -> None:
    other_paths = Paths(tmp_path / "other", tmp_path / "other-run")
    database = Database(other_paths.database)
    other = await Images(other_paths, database).ensure("base")
    database.close()
    assert other == await images.ensure("base:latest")
    assert collect_nodes() == collect_nodes()


async def test_two_who_want_it_at_once_both_get_it(images: Images) -> None:
    first, second = images.ensure("base"), images.ensure("base")
    assert await first == await second


async def test_its_users_resolve(images: Images, paths: Paths) -> None:
    lowers = lower_directories(paths, await images.ensure("base"))
    passwd, group = read_file(lowers, "etc/passwd"), read_file(lowers, "etc/group")
    assert passwd is not None and group is not None
    assert resolve_user("www-data", passwd, group).uid == 33
    assert resolve_user("", passwd, group).home == "/root"


def test_busybox_stands_in_for_what_is_missing() -> None:
    applets = busybox_applets()
    if not applets:
        pytest.skip("this machine has no busybox")
    nodes = collect_nodes()
    for name in ("vi", "awk", "ping", "ps"):
        assert f"usr/bin/{name}" in nodes or f"usr/sbin/{name}" in nodes
