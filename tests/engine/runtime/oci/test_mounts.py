"""Mounts of a container that joins another's namespaces, and of one that can't change its root by pivot_root."""

from __future__ import annotations

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
