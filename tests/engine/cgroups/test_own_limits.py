"""An attack: root of a container mounts the hierarchies in a user namespace of his own and lifts his limits.

Seen to succeed when processes sit in the very cgroup with the limits and their root is the host's
(`Cgroup.create` with below_limits=False and ``--userns host``).
"""

from __future__ import annotations

import pytest

from engine import Engine
from engine.cgroups import layout
from engine.cgroups.manager import Cgroup
from engine.model import ContainerRequest, Limits
from engine.options import Security

pytestmark = pytest.mark.vm

LIMITS = Limits(memory_bytes=64 << 20, memory_swap_bytes=64 << 20, pids=50, cpus=0.5)
LIFT = """
    exec 2>/dev/null
    for how in {hierarchies}; do
        mount -t {kind} -o $how none /mnt || continue
        echo mounted
        for limit in memory.max memory.limit_in_bytes pids.max cpu.max cpu.cfs_quota_us; do
            [ ! -e /mnt/$limit ] || echo max > /mnt/$limit
            [ ! -e /mnt/$limit ] || echo -1 > /mnt/$limit
        done
        for other in /mnt/boxdeck*; do [ ! -w $other ] || echo "may change $other in $how"; done
        [ ! -e /mnt/release_agent ] || [ ! -w /mnt/release_agent ] || echo "an agent in $how"
        umount /mnt
    done
    echo tried; exec sleep 1000
"""


def lift() -> str:
    """The attack on this machine's hierarchies."""
    machine = layout.detect()
    if machine.version == "v2":
        return LIFT.format(kind="cgroup2", hierarchies="rw")
    mounts = [",".join(hierarchy.options) for hierarchy in (*machine.hierarchies, *machine.spare)]
    return LIFT.format(kind="cgroup", hierarchies=" ".join(mounts))


@pytest.mark.parametrize("userns", ["auto", "host"])
async def test_root_lifts_none_of_its_limits_and_makes_nothing_at_a_top(engine: Engine, userns: str) -> None:
    request = ContainerRequest(
        image="base",
        command=("unshare", "-UrmC", "sh", "-c", lift()),
        network="none",
        userns=userns,
        limits=LIMITS,
        security=Security(seccomp="unconfined"),  # which alone would stop unshare and mount
    )
    container = (await engine.containers.run(request)).id
    said = await lines_until(engine, container, b"tried")
    assert Cgroup.open(engine.paths.cgroup_path(container)).read_limits() == LIMITS
    assert set(said) == {b"mounted", b"tried"}


async def lines_until(engine: Engine, container: str, last: bytes) -> list[bytes]:
    said: list[bytes] = []
    async for line in engine.containers.logs(container, follow=True):
        said.append(line.data)
        if line.data == last:
            break
    return said
