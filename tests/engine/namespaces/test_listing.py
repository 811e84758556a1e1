"""Every namespace of the machine, whatever keeps it alive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.model import NamespaceEntry, NamespaceKind
from engine.namespaces.listing import read_list
from engine.namespaces.scan import KINDS, parse_link, parse_mounts
from tests.conftest import needs_root

pytestmark = [pytest.mark.vm, pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)]

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a command that says a line when it is ready; returns its pid."""
    with ExitStack() as stack:

        def start_one(*argv: str) -> int:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None and process.stdout.readline()
            return process.pid

        yield start_one


def inode(pid: int | str, entry: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{entry}").st_ino


def with_number(number: int) -> NamespaceEntry:
    (found,) = [entry for entry in read_list(()) if entry.inode == number]
    return found


def held(kind: NamespaceKind, words: str) -> list[NamespaceEntry]:
    return [entry for entry in read_list(()) if entry.kind == kind and any(words in how for how in entry.held_by)]


def test_each_kind_has_one_that_is_the_hosts() -> None:
    hosts = [entry for entry in read_list(()) if entry.is_host]
    assert [entry.kind for entry in hosts] == list(KINDS)
    assert [entry.inode for entry in hosts] == [inode("self", kind) for kind in KINDS]
    assert all(entry.processes > 1 and entry.pid and entry.command for entry in hosts)


def test_the_first_user_namespace_owns_the_hosts_others_and_has_no_parent() -> None:
    hosts = {entry.kind: entry for entry in read_list(()) if entry.is_host}
    user = hosts.pop("user")
    assert (user.owner_inode, user.parent_inode, user.owner_uid) == (None, None, 0)
    assert {entry.owner_inode for entry in hosts.values()} == {user.inode}


def test_a_namespace_tells_its_owner_its_maker_its_parent_and_who_is_in_it(start: Start) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    pid = start(*nobody, "unshare", "--user", "--net", "sh", "-c", "echo ready; exec sleep 60")
    user, net = with_number(inode(pid, "user")), with_number(inode(pid, "net"))
    assert (user.kind, user.owner_uid, user.processes, user.pid) == ("user", 65534, 1, pid)
    assert user.parent_inode == user.owner_inode == inode("self", "user")
    assert (net.kind, net.owner_inode, net.owner_uid, net.parent_inode) == ("net", user.inode, 65534, None)
    assert not net.is_host and net.command == "sleep 60"


def test_a_pid_namespaces_parent_is_the_one_that_it_was_made_in(start: Start) -> None:
    pid = start("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "echo ready; exec sleep 60")
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    found = with_number(inode(child, "pid"))
    assert (found.parent_inode, found.pid, found.processes) == (inode("self", "pid"), child, 1)


def test_one_that_only_a_bind_mount_keeps(start: Start, tmp_path: Path) -> None:
    place = tmp_path / "a net"
    place.touch()
    script = f'mount --make-rprivate /; unshare --net="{place}" true; echo ready; exec sleep 60'
    start("unshare", "--mount", "sh", "-c", script)
    (found,) = held("net", f"mount {place}")
    assert (found.processes, found.pid, found.command) == (0, None, "")
    assert found.owner_inode == inode("self", "user")


def test_what_somebody_calls_a_place_reaches_no_terminal(start: Start, tmp_path: Path) -> None:
    place = tmp_path / "a\033[31mnet"
    place.touch()
    script = 'mount --make-rprivate /; unshare --net="$0" true; echo ready; exec sleep 60'
    start("unshare", "--mount", "sh", "-c", script, str(place))
    assert held("net", f"mount {tmp_path}/a?[31mnet")


def test_one_that_only_an_open_descriptor_keeps(start: Start) -> None:
    pid = start("unshare", "--uts", "sh", "-c", "echo ready; exec sleep 60")
    holder = start("sh", "-c", f"exec 9</proc/{pid}/ns/uts; echo ready; exec sleep 60")
    number = inode(pid, "uts")
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert f"fd 9 of {holder}" in with_number(number).held_by


def test_one_that_only_a_namespace_below_keeps(start: Start) -> None:
    pid = start("unshare", "--user", "--map-root-user", "unshare", "--user", "sh", "-c", "echo ready; exec sleep 60")
    below = with_number(inode(pid, "user"))
    assert below.parent_inode is not None
    above = with_number(below.parent_inode)
    assert (above.processes, above.held_by) == (0, ("namespaces below it",))
    assert above.parent_inode == inode("self", "user")


def test_one_that_only_a_thread_is_in(start: Start) -> None:
    script = (
        "import ctypes, threading, time\n"
        "def leave():\n"
        "    ctypes.CDLL(None).unshare(0x04000000)\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "threading.Thread(target=leave).start()\n"
    )
    pid = start(sys.executable, "-c", script)
    (found,) = held("uts", f" of {pid}")
    assert found.held_by[0].startswith("thread ") and found.processes == 0


def test_one_that_waits_for_its_first_child(start: Start) -> None:
    script = "import ctypes, time; ctypes.CDLL(None).unshare(0x80); print('ready', flush=True); time.sleep(60)"
    pid = start(sys.executable, "-c", script)
    assert [entry.processes for entry in held("time", f"children of {pid}")] == [0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net:[4026531840]", ("net", 4026531840)),
        ("mnt:[1]", ("mnt", 1)),
        ("pipe:[1234]", None),
        ("/tmp/net:[12]", None),
        ("net:[12] (deleted)", None),
    ],
)
def test_links(text: str, expected: tuple[str, int] | None) -> None:
    assert parse_link(text) == expected


def test_bind_mounts_of_namespaces_are_found_among_others() -> None:
    lines = (
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n",
        r"90 27 0:4 net:[4026532345] /run/netns/a\040b rw shared:4 - nsfs nsfs rw" + "\n",
        "91 27 0:4 strange /run/x rw - nsfs nsfs rw\n",
    )
    assert list(parse_mounts(lines)) == [(("net", 4026532345), "/run/netns/a b")]
