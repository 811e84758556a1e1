"""What isn't ours stays as it is: control groups that others have made, and the processes in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import folders, layout
from engine.cgroups.manager import Cgroup
from engine.model import CgroupSetting, ContainerRequest, Limits
from engine.oci.resources_spec import LinuxPids, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

pytestmark = pytest.mark.vm

MIB = 1 << 20
MACHINE = layout.detect()
IS_V2 = MACHINE.version == "v2"
NOT_LIMITS = re.compile(r"cgroup\.(procs|threads|event_control)|tasks|.*(pressure|peak|failcnt|usage.*|oom_control)")


async def test_a_life_of_containers_changes_no_group_and_moves_no_process_of_others(
    engine: Engine, make: Make, spawn: Spawn
) -> None:
    stranger = make("stranger", LinuxResources(pids=LinuxPids(limit=77)))
    child = spawn("print('here', flush=True); time.sleep(1000)")
    stranger.join(child.pid)
    let_go(child)
    assert line_from(child) == b"here"
    limits, before = limits_of_others(stranger), places(child.pid)
    assert any(path.endswith("/stranger/pids.max") for path in limits)
    raw = (CgroupSetting("memory.min", "1M"),) if IS_V2 else ()
    some = Limits(memory_bytes=64 * MIB, memory_reservation_bytes=16 * MIB, cpus=0.5, cpuset_cpus="0", unified=raw)
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none", limits=some)
    containers = [await engine.containers.run(request) for _ in range(2)]
    await engine.containers.update(containers[0].id, Limits(memory_bytes=96 * MIB, cpu_shares=512, cpuset_mems="0"))
    await engine.containers.pause(containers[0].id)
    await engine.containers.unpause(containers[0].id)
    await engine.cgroup_tree(host=True)
    assert limits_of_others(stranger).items() >= limits.items()
    if IS_V2:
        has_no_internal_processes(f"{MACHINE.unified}/{engine.paths.cgroup_name}")
    for container in containers:
        await engine.containers.remove(container.id, force=True)
    assert limits_of_others(stranger).items() >= limits.items()
    assert places(child.pid) == before


def limits_of_others(stranger: Cgroup) -> dict[str, str]:
    """Every file that limits a group which no engine has made, and its content.

    Without which controllers the top of v2 hands down: they have to be, or nobody below has any. With one that is new
    there, all groups below have new files.
    """
    tops = [MACHINE.unified] if IS_V2 else [h.point for h in (*MACHINE.hierarchies, *MACHINE.spare)]
    found: dict[str, str] = {}
    for top in filter(None, tops):
        for folder, below, files in os.walk(top):
            below[:] = [name for name in below if not name.startswith("boxdeck") or f"/{name}/" in stranger.path]
            found |= {path: folders.read(path) for path in limiting(folder, files)}
    found.pop(f"{MACHINE.unified}/cgroup.subtree_control", None)
    return found


def limiting(folder: str, files: list[str]) -> Iterator[str]:
    for name in files:
        path = f"{folder}/{name}"
        with suppress(FileNotFoundError):
            if os.stat(path).st_mode & stat.S_IWUSR and not NOT_LIMITS.fullmatch(name):
                yield path


def places(*pids: int) -> dict[int, str]:
    """The groups of these processes and of all above us; others on this machine may have reasons to move theirs."""
    found = {pid: Path(f"/proc/{pid}/cgroup").read_text() for pid in pids}
    pid = os.getpid()
    while pid:
        found[pid] = Path(f"/proc/{pid}/cgroup").read_text()
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def has_no_internal_processes(folder: str) -> None:
    """A group that hands controllers down has no processes itself (cgroup-v2.rst)."""
    assert folders.read(f"{folder}/cgroup.subtree_control")
    assert not folders.read(f"{folder}/cgroup.procs")
