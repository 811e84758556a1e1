"""Mounts of a container that joins another's namespaces, and of one that can't change its root by pivot_root."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from engine.oci import runtime_spec
from engine.oci.linux_spec import IdMapping, Linux, Namespace
from engine.oci.runtime_spec import Mount, Spec
from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm

KERNELS = (
    Mount(destination="/sys", type="sysfs", source="sysfs", options=("ro",)),
    Mount(destination="/dev/mqueue", type="mqueue", source="mqueue"),
)


def guest(runtime: Runtime, folder: Path, command: str, linux: Linux) -> Path:
    """A bundle like the runtime's own, with other namespaces, more mounts and another command."""
    spec = msgspec.json.decode((runtime.bundle / "config.json").read_bytes(), type=Spec)
    assert spec.process is not None
    process = msgspec.structs.replace(spec.process, args=("sh", "-c", command))
    spec = msgspec.structs.replace(spec, process=process, mounts=(*spec.mounts, *KERNELS), linux=linux, hostname="")
    bundle = folder / "guest"
    bundle.mkdir()
    (bundle / "config.json").write_bytes(runtime_spec.encode(spec))
    return bundle


def test_file_systems_show_the_namespaces_that_are_joined(runtime: Runtime, tmp_path: Path) -> None:
    runtime.start("sleep", "1000")
    entries = {"pid": "pid", "ipc": "ipc", "network": "net"}
    joined = tuple(Namespace(type=kind, path=f"/proc/{runtime.pid}/ns/{entry}") for kind, entry in entries.items())  # type: ignore[arg-type]
    linux = Linux(namespaces=(Namespace(type="mount"), *joined), cgroups_path=f"/{runtime.parent}/two")
    script = "cat /proc/1/comm; ls /sys/class/net; ls -d /dev/mqueue; ls /proc/self/ns/pid >&- || echo no"
    bundle = guest(runtime, tmp_path, f"{script}; mkdir /dev/shm; cat /proc/self/mountinfo | grep -c mqueue", linux)
    done = runtime("run", "--bundle", str(bundle), "two")
    assert done.stdout.split()[:3] == ["sleep", "lo", "/dev/mqueue"], done.stderr
    assert done.stdout.split()[-1] == "1"


def mounting(runtime: Runtime, command: str, mount: Mount, mappings: tuple[IdMapping, ...] = ()) -> str:
    """What a command says in a container with one mount more, in a user namespace if there are mappings."""
    runtime.describe("sh", "-c", command)
    path = runtime.bundle / "config.json"
    spec = runtime_spec.decode(path.read_bytes())
    assert spec.linux is not None
    kinds = (*spec.linux.namespaces, *((Namespace(type="user"),) if mappings else ()))
    linux = msgspec.structs.replace(spec.linux, namespaces=kinds, uid_mappings=mappings, gid_mappings=mappings)
    mounts = (*spec.mounts, mount)
    path.write_bytes(runtime_spec.encode(msgspec.structs.replace(spec, mounts=mounts, linux=linux)))
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("option", "owner"),
    [
        ("idmap=uids=0-1000-10;gids=0-2000-10", "1003:2004"),
        ("idmap=uids=0-7-1#1-1000-10;gids=0-2000-10", "1002:2004"),
        ("idmap=uids=@0-40-10;gids=@0-50-10", "43:54"),
        ("idmap=uids=0-300060-10;gids=@0-50-10", "63:54"),
    ],
)
def test_a_mount_may_have_ids_of_its_own_in_cruns_form(
    runtime: Runtime, tmp_path: Path, option: str, owner: str
) -> None:
    """Those of the last two are in a container whose ids begin at 300,000."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").touch()
    os.chown(tmp_path / "data" / "file", 3, 4)
    mappings = (IdMapping(container_id=0, host_id=300_000, size=65_536),) if "@" in option else ()
    mount = Mount(destination="/mnt", type="bind", source=str(tmp_path / "data"), options=("bind", option))
    assert mounting(runtime, "stat -c %u:%g /mnt/file", mount, mappings) == f"{owner}\n"


@pytest.mark.parametrize("option", ["idmap=", "idmap=uids=0-1", "idmap=uids=0-1-1", "idmap=uids=a-b-c;gids=0-0-1"])
def test_a_mapping_of_another_form_is_refused(runtime: Runtime, tmp_path: Path, option: str) -> None:
    mount = Mount(destination="/mnt", type="bind", source=str(tmp_path), options=("bind", option))
    assert f"{option!r} is no mapping (/mnt): write it as" in mounting(runtime, "true", mount)


def test_options_of_a_file_system_may_be_one_word(runtime: Runtime) -> None:
    mount = Mount(destination="/mnt", type="tmpfs", source="tmpfs", options=("size=1m,mode=0711", "noauto", ""))
    said = mounting(runtime, "stat -c %a /mnt; df -k /mnt | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2", mount)
    assert said.split() == ["711", "1024"]


@pytest.mark.parametrize("user", [False, True])
def test_without_pivot_root_a_container_sees_its_own_root(runtime: Runtime, tmp_path: Path, user: bool) -> None:
    runtime.describe("true")
    kinds = ["mount", "pid", "ipc", "network", "uts", *(["user"] if user else [])]
    mapping = (IdMapping(container_id=0, host_id=300_000, size=65_536),) if user else ()
    linux = Linux(
        namespaces=tuple(Namespace(type=kind) for kind in kinds),  # type: ignore[arg-type]
        uid_mappings=mapping, gid_mappings=mapping, cgroups_path=f"/{runtime.parent}/two",
    )  # fmt: skip
    script = (
        "cd /; cd ../../..; ls -d usr; grep -c ' sysfs ' /proc/self/mountinfo; umount /proc 2>&- && ls /proc | wc -l"
    )
    done = runtime("run", "--no-pivot", "--bundle", str(guest(runtime, tmp_path, script, linux)), "two")
    assert done.stdout.split()[:2] == ["usr", "1"], (done.stdout, done.stderr)
