"""What a caller of ``--systemd-cgroup`` does, as a service of a systemd of its own; see test_systemd."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from engine.cgroups import systemd
from engine.errors import InvalidRequest
from engine.oci.resources_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources

MIB = 1 << 20
NAME = systemd.parse_path("boxes.slice:box:one", "one")
LIMITED = LinuxResources(
    memory=LinuxMemory(limit=64 * MIB),
    cpu=LinuxCPU(quota=50_000, period=100_000, cpus="0"),
    pids=LinuxPids(limit=20),
)


def main() -> None:
    """A scope is made, limited, changed and stopped."""
    with systemd.scope(NAME, LIMITED) as cgroup:
        assert cgroup.path == "/boxes.slice/box-one.scope"
        payload = os.fork()
        if payload == 0:
            cgroup.join(0)
            time.sleep(1000)
        while payload not in cgroup.processes():
            time.sleep(0.01)
    assert cgroup.processes() == [payload]
    shown = properties("MemoryMax", "TasksMax", "Delegate", "CPUQuotaPerSecUSec", "AllowedCPUs")
    assert sorted(shown) == sorted([str(64 * MIB), "20", "yes", "500ms", "0"])
    changed = LinuxResources(pids=LinuxPids(limit=30))
    systemd.update_scope(NAME.scope, changed)
    cgroup.update(changed)
    subprocess.run(["systemctl", "daemon-reload"], check=True)  # systemd writes its own limits again
    limits = cgroup.read_limits()
    assert (limits.memory_bytes, limits.cpus, limits.pids) == (64 * MIB, 0.5, 30)
    systemd.stop_scope(NAME.scope)
    assert os.waitpid(payload, 0)[1] == signal.SIGTERM
    assert not os.path.exists(cgroup.folders[0])
    systemd.stop_scope(NAME.scope)  # gone already
    a_refused_limit_leaves_no_scope()
    print("done", flush=True)  # noqa: T201 - read by the test


def a_refused_limit_leaves_no_scope() -> None:
    """Nothing is left of what can't be made."""
    try:
        with systemd.scope(NAME, LinuxResources(cpu=LinuxCPU(cpus="4000"))):
            raise AssertionError("there are no 4000 processors")
    except InvalidRequest:
        pass
    assert properties("LoadState") == ["not-found"]


def properties(*names: str) -> list[str]:
    """What systemd says of the scope."""
    command = ["systemctl", "show", "--value", "-p", ",".join(names), NAME.scope]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


if __name__ == "__main__":
    main()
