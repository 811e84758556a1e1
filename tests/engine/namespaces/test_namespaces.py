"""What the namespaces screen shows, for real processes in real namespaces."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine import processes
from engine.model import Container, ContainerNamespaces, ContainerRequest, IdRange, NamespaceInfo, State
from engine.namespaces.namespaces import KINDS, Namespaces

ALL = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child")
SETTLE_SECONDS = 5.0

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a shell script with unshare(1) and gives the pid of the shell, once the script has said it is ready."""
    with ExitStack() as stack:

        def make(script: str, *options: str, inside: int | None = None) -> int:
            ready = tmp_path / f"ready-{len(os.listdir(tmp_path))}"
            enter = ["nsenter", "--target", str(inside), "--all"] if inside else []
            command = [*enter, "unshare", *(options or ALL), "sh", "-c", f'{script} touch "{ready}"; wait']
            process = subprocess.Popen(command, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
            deadline = time.monotonic() + SETTLE_SECONDS
            while not ready.exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.005)
            return child_of(process.pid) if "--fork" in command else process.pid

        yield make


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def container(name: str, pid: int | None) -> Container:
    return Container(
        id=name.ljust(64, "0"),
        name=name,
        request=ContainerRequest(image="base"),
        image_id="",
        argv=(),
        state=State.RUNNING if pid else State.EXITED,
        created_unix_ns=0,
        pid=pid,
    )


def by_kind(namespaces: tuple[NamespaceInfo, ...]) -> dict[str, NamespaceInfo]:
    return {namespace.kind: namespace for namespace in namespaces}


async def only(one: Container) -> ContainerNamespaces:
    (found,) = (await Namespaces().tree([one])).containers
    return found


async def test_the_host_has_all_eight_namespaces() -> None:
    tree = await Namespaces().tree([])
    assert tuple(namespace.kind for namespace in tree.host) == KINDS and len(KINDS) == 8
    for namespace in tree.host:
        assert os.readlink(f"/proc/self/ns/{namespace.kind}").endswith(f":[{namespace.inode}]")


async def test_a_container_is_in_namespaces_of_its_own(start: Start) -> None:
    pid = start("sleep 60 &")
    found = by_kind((await only(container("web", pid))).namespaces)
    assert {kind for kind, namespace in found.items() if namespace.is_host} == {"user", "time"}
    assert found["pid"].inode == os.stat(f"/proc/{pid}/ns/pid").st_ino
    assert all(namespace.shared_with == () for namespace in found.values())


async def test_a_shared_namespace_names_the_others(start: Start) -> None:
    first = start("sleep 60 &")
    second = start("sleep 60 &", "--mount", "--fork", "--kill-child", inside=first)
    tree = await Namespaces().tree([container("web", first), container("side", second)])
    web, side = (by_kind(one.namespaces) for one in tree.containers)
    assert web["net"].shared_with == ("side",) and side["net"].shared_with == ("web",)
    assert web["net"].inode == side["net"].inode
    assert web["mnt"].shared_with == () == side["mnt"].shared_with


async def test_processes_are_listed_parents_first_with_both_pids(start: Start) -> None:
    pid = start("sleep 61 & sh -c 'sleep 62 & wait' & sleep 0.1;")
    found = (await only(container("web", pid))).processes
    assert (found[0].pid, found[0].pid_inside) == (pid, 1)
    assert [p.command for p in found][1:4] == ["sleep 61", "sh -c sleep 62 & wait", "sleep 62"]
    pids = [p.pid for p in found]
    assert all(p.parent_pid in pids[: pids.index(p.pid)] for p in found[1:])
    assert all(p.threads == 1 and p.memory_bytes > 4096 for p in found[:4])  # others come and go
    assert sorted(p.pid_inside for p in found) == [p.pid_inside for p in sorted(found, key=lambda p: p.pid)]


async def test_id_maps_are_shown(start: Start) -> None:
    pid = start("sleep 60 &", *ALL, "--user", "--map-root-user")
    found = await only(container("web", pid))
    assert found.uid_map == found.gid_map == (IdRange(inside=0, outside=0, length=1),)
    assert not by_kind(found.namespaces)["user"].is_host


async def test_containers_that_do_not_run_are_left_out(start: Start) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    tree = await Namespaces().tree([container("old", None), container("gone", gone.pid)])
    assert tree.containers == ()


async def test_processes_that_vanish_meanwhile_do_no_harm(start: Start) -> None:
    pid = start("(i=0; while [ $i -lt 3000 ]; do /bin/true; i=$((i+1)); done) &")
    for _ in range(20):
        assert (await only(container("web", pid))).processes[0].pid == pid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("         0          0 4294967295\n", (IdRange(inside=0, outside=0, length=4294967295),)),
        (
            "0 200000 65536\n70000 1000 1\n",
            (IdRange(inside=0, outside=200000, length=65536), IdRange(inside=70000, outside=1000, length=1)),
        ),
    ],
)
def test_id_maps_are_read_line_by_line(text: str, expected: tuple[IdRange, ...]) -> None:
    assert processes.parse_id_map(text) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"sleep\x0060\x00", "sleep 60"),
        (b"sh\x00-c\x00echo a\nb\x1b[31m\x00", "sh -c echo a?b?[31m"),
        (b"", "[name]"),
        (b"\x00\x00", "[name]"),
        (b"caf\xc3\xa9\xff", "café\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_command_lines_are_fit_to_show(data: bytes, expected: str) -> None:
    assert processes.parse_command_line(data, "name") == expected


def test_a_zombie_has_a_name_and_no_memory() -> None:
    status = "Name:\tsleep\nState:\tZ (zombie)\nPPid:\t7\nUid:\t0\t33\t33\t33\nNSpid:\t900\t12\t3\nThreads:\t1\n"
    found = processes.parse(900, status, b"")
    assert (found.command, found.memory_bytes, found.uid, found.pids) == ("[sleep]", 0, 33, (900, 12, 3))
    assert [found.seen_at(depth).pid_inside for depth in range(4)] == [900, 12, 3, 3]
