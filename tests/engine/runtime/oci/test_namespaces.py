"""Namespaces of a config.json: new ones, joined by path, or left as the caller's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm

_ENTRIES = {"network": "net", "mount": "mnt"}


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A process in namespaces of its own; its pid."""
    command = ["unshare", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    process = subprocess.Popen([*command, "sh", "-c", "hostname neighbour; echo; exec sleep 1000"], stdout=-1)
    assert process.stdout is not None and process.stdout.readline()
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        yield int(file.read().split()[0])
    process.kill()
    process.wait()
    process.stdout.close()


def set_namespaces(runtime: Runtime, *namespaces: tuple[str, str], **linux: object) -> None:
    """Replace the list in config.json: types with their paths."""
    path = runtime.bundle / "config.json"
    spec = msgspec.json.decode(path.read_bytes())
    spec["linux"]["namespaces"] = [
        {"type": kind, "path": place} if place else {"type": kind} for kind, place in namespaces
    ]
    spec["linux"].update(linux)
    if "uts" not in dict(namespaces) or dict(namespaces)["uts"]:
        spec.pop("hostname")
    path.write_bytes(msgspec.json.encode(spec))


def run(runtime: Runtime) -> str:
    """The output of the container's program."""
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["network", "ipc", "uts"])
def test_a_namespace_is_joined_by_path(runtime: Runtime, neighbour: int, kind: str) -> None:
    entry = _ENTRIES.get(kind, kind)
    path = f"/proc/{neighbour}/ns/{entry}"
    runtime.describe("readlink", f"/proc/self/ns/{entry}")
    others = {"mount": "", "pid": "", "network": "", "ipc": "", "uts": ""}
    set_namespaces(runtime, *{**others, kind: path}.items())
    assert run(runtime).strip() == os.readlink(path)


def test_processes_of_a_joined_pid_namespace_are_seen(runtime: Runtime, neighbour: int) -> None:
    runtime.describe("sh", "-c", "cat /proc/1/comm; readlink /proc/self/ns/pid")
    set_namespaces(runtime, ("mount", ""), ("pid", f"/proc/{neighbour}/ns/pid"), ("uts", ""))
    assert run(runtime).split() == ["sleep", os.readlink(f"/proc/{neighbour}/ns/pid")]


def test_what_isn_t_listed_is_the_callers(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "for kind in net ipc uts pid user; do readlink /proc/self/ns/$kind; done")
    set_namespaces(runtime, ("mount", ""))
    assert run(runtime).split() == [
        os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "ipc", "uts", "pid", "user")
    ]


def test_a_user_namespace_is_joined_with_what_it_owns(runtime: Runtime) -> None:
    command = ["unshare", "--user", "--net", "sh", "-c", "echo; exec sleep 1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        try:
            assert owner.stdout is not None and owner.stdout.readline()
            for kind in ("uid", "gid"):
                Path(f"/proc/{owner.pid}/{kind}_map").write_text("0 200000 1000")
            runtime.describe("sh", "-c", "cat /proc/self/uid_map; readlink /proc/self/ns/user /proc/self/ns/net; id -u")
            places = [(kind, f"/proc/{owner.pid}/ns/{_ENTRIES.get(kind, kind)}") for kind in ("user", "network")]
            set_namespaces(runtime, ("mount", ""), ("pid", ""), ("ipc", ""), *places)
            expected = ["0", "200000", "1000", *(os.readlink(place) for _, place in places), "0"]
            assert run(runtime).split() == expected
        finally:
            owner.kill()


def test_clocks_have_their_offsets(runtime: Runtime) -> None:
    runtime.describe("cut", "-d.", "-f1", "/proc/uptime")
    namespaces = (("mount", ""), ("pid", ""), ("time", ""))
    set_namespaces(runtime, *namespaces, timeOffsets={"boottime": {"secs": 5_000_000}})
    with open("/proc/uptime") as file:
        assert 4_999_900 < int(run(runtime)) - float(file.read().split()[0]) < 5_000_060


def test_an_exec_enters_the_joined_namespaces_too(runtime: Runtime, neighbour: int) -> None:
    runtime.describe("sleep", "1000")
    places = {kind: f"/proc/{neighbour}/ns/{_ENTRIES.get(kind, kind)}" for kind in ("network", "uts")}
    set_namespaces(runtime, ("mount", ""), ("pid", ""), *places.items())
    runtime.detached("run", "--detach", "--bundle", str(runtime.bundle), "one")
    found = runtime.ok("exec", "one", "readlink", "/proc/self/ns/net", "/proc/self/ns/uts").split()
    assert found == [os.readlink(place) for place in places.values()]


@pytest.mark.parametrize(
    ("namespaces", "complaint"),
    [
        ((("mount", ""), ("network", "/nowhere")), "network namespace /nowhere can't be opened"),
        ((("mount", ""), ("network", "/proc/self/ns/ipc")), "network namespace /proc/self/ns/ipc can't be entered"),
        ((("pid", ""),), "without a mount namespace of its own"),
    ],
)
def test_what_can_t_be_joined_is_named(
    runtime: Runtime, namespaces: tuple[tuple[str, str], ...], complaint: str
) -> None:
    runtime.describe("true")
    set_namespaces(runtime, *namespaces)
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert done.returncode == 1 and complaint in done.stderr
    assert runtime("state", "one").returncode == 1


def test_a_hostname_needs_a_namespace(runtime: Runtime) -> None:
    runtime.describe("true")
    path = runtime.bundle / "config.json"
    spec = msgspec.json.decode(path.read_bytes())
    spec["linux"]["namespaces"] = [{"type": "mount"}]
    path.write_bytes(msgspec.json.encode(spec))
    assert "host name without a UTS namespace" in runtime("run", "--bundle", str(runtime.bundle), "one").stderr
