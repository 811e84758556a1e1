"""Namespaces, drawn."""

from __future__ import annotations

from engine.model import ContainerNamespaces, IdRange, NamespaceInfo, NamespaceTree, ProcessInfo
from tests.tui.fake_engine import KINDS
from tui.drawing import namespace_forest, namespaces
from tui.drawing.lines import Tone, plain, width

HOST = tuple(NamespaceInfo(kind=kind, inode=4026531834 + n, is_host=True) for n, kind in enumerate(KINDS))


def own(name: str = "web") -> ContainerNamespaces:
    return ContainerNamespaces(
        container_id=f"id-{name}",
        container_name=name,
        namespaces=(
            NamespaceInfo(kind="pid", inode=4026532304, is_host=False),
            NamespaceInfo(kind="user", inode=4026532301, is_host=False),
            NamespaceInfo(kind="net", inode=4026532306, is_host=False, shared_with=("db", "backup")),
            NamespaceInfo(kind="time", inode=4026531834, is_host=True),
        ),
        uid_map=(IdRange(inside=0, outside=200000, length=65536),),
        gid_map=(IdRange(inside=0, outside=200000, length=65536),),
        processes=(
            ProcessInfo(pid=48213, parent_pid=48000, pid_inside=1, command="nginx", memory_bytes=3 << 20),
            ProcessInfo(pid=48220, parent_pid=48213, pid_inside=7, command="worker", threads=4),
            ProcessInfo(pid=48221, parent_pid=48220, pid_inside=8, command="helper"),
            ProcessInfo(pid=48222, parent_pid=48213, pid_inside=9, command="worker"),
        ),
    )


def test_a_container_shows_what_is_its_own_shared_and_the_hosts() -> None:
    assert [plain(line) for line in namespaces.container_lines(own(), 100)] == [
        "user   4026532301  own  ids 0 → 200000 (65536)",
        "├ net    4026532306  shared with db, backup",
        "├ time   4026531834  the host's",
        "╰ pid    4026532304  own  4 processes",
        "  ╰ 1 nginx  host 48213  3.0M",
        "    ├ 7 worker  host 48220  4 threads",
        "    │ ╰ 8 helper  host 48221",
        "    ╰ 9 worker  host 48222",
    ]


def test_containers_hang_below_the_host_with_what_is_their_own_and_what_is_shared() -> None:
    tree = NamespaceTree(host=HOST[:2], containers=(own("web"), own("db")))
    lines = namespace_forest.forest_lines(tree, "id-db", 120)
    assert [plain(each).rstrip() for each in lines[:12]] == [
        "host",
        "│  user 4026531834   mnt 4026531835",
        "│",
        "├─ web",
        "│  own     user 4026532301   pid 4026532304",
        "│  shared  net 4026532306 with db, backup",
        "│  host's  time",
        "│  maps    ids 0 → 200000 (65536)",
        "│  runs    ╰ 1 nginx  host 48213  3.0M",
        "│            ├ 7 worker  host 48220  4 threads",
        "│            │ ╰ 8 helper  host 48221",
        "│            ╰ 9 worker  host 48222",
    ]
    assert plain(lines[13]) == "╰─ db"
    assert [span.text for each in lines for span in each if span.tone is Tone.LIT] == ["db"]


def test_many_namespaces_wrap() -> None:
    lines = namespace_forest.forest_lines(NamespaceTree(host=HOST, containers=()), None, 50)
    assert [plain(each).rstrip() for each in lines] == [
        "host",
        "│  user 4026531834   mnt 4026531835",
        "│  uts 4026531836   ipc 4026531837",
        "│  net 4026531839   cgroup 4026531840",
        "│  time 4026531841   pid 4026531838",
    ]


def test_a_container_can_be_found_to_scroll_to() -> None:
    tree = NamespaceTree(host=HOST, containers=(own("web"), own("db")))
    lines = namespace_forest.forest_lines(tree, "id-db", 80)
    assert "db" in plain(lines[namespace_forest.line_of(tree, "id-db", 80)])


def test_lines_keep_to_the_width() -> None:
    tree = NamespaceTree(host=HOST, containers=(own("web"), own("db")))
    for cells in (20, 40, 60, 200):
        assert all(width(line) <= cells for line in namespace_forest.forest_lines(tree, None, cells))


def test_a_long_command_gives_way_to_the_pid_on_the_host() -> None:
    long = ProcessInfo(pid=48213, parent_pid=1, pid_inside=1, command="sh -c " + "x" * 80)
    lines = namespaces.container_lines(
        ContainerNamespaces(container_id="x", container_name="x", namespaces=own().namespaces, processes=(long,)), 40
    )
    assert plain(lines[-1]) == "  ╰ 1 sh -c xxxxxxxxxxxxxxx…  host 48213"
